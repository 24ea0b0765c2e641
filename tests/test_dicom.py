"""X-rays from DICOM files of many kinds, made here with pydicom; what is refused, and what of the header comes out."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, features
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

from mrg_helpers import datasets, dicom, images
from mrg_helpers.images import ImageError

PLAIN = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
RAMP = np.linspace(0, 1, 48 * 40).reshape(48, 40)


def write(path, values, bits=None, syntax=ExplicitVRLittleEndian, encapsulated=None, **attributes):
    """A DICOM file of grey values (height, width), or without pixels for None; ``attributes`` by their keywords."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = generate_uid(), syntax
    order = {"is_implicit_VR": syntax == ImplicitVRLittleEndian, "is_little_endian": syntax != ExplicitVRBigEndian}
    data = FileDataset(path, {}, file_meta=meta, preamble=bytes(128), **order)
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.Modality = "DX"
    if values is not None:
        values = np.asarray(values)
        data.Rows, data.Columns = values.shape[-2:]
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated = 8 * values.itemsize
        data.BitsStored = bits or data.BitsAllocated
        data.HighBit, data.PixelRepresentation = data.BitsStored - 1, int(values.dtype.kind == "i")
        little = syntax != ExplicitVRBigEndian
        data.PixelData = encapsulated or values.astype(values.dtype.newbyteorder("<" if little else ">")).tobytes()
        data["PixelData"].VR = "OB" if values.itemsize == 1 or encapsulated else "OW"
    for name, value in attributes.items():
        setattr(data, name, value)
    if syntax == RLELossless:
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.compress(RLELossless)
    data.save_as(path, enforce_file_format=True)
    return path


def deep(bits, kind=np.uint16):
    return np.rint(RAMP * (2**bits - 1)).astype(kind)


@pytest.mark.parametrize("syntax", [*PLAIN, RLELossless], ids=lambda uid: uid.name)
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_every_depth_and_encoding_gives_the_same_picture(tmp_path, syntax, bits):
    path = write(tmp_path / "x.dcm", deep(bits, np.uint8 if bits == 8 else np.uint16), bits, syntax)
    grey = images.read(path)
    assert grey.shape == (48, 40) == images.size_of(path) and grey.dtype == np.uint8
    assert np.abs(grey - RAMP * 255).max() < 1
    images.check(path)


def test_monochrome1_is_inverted(tmp_path):
    light = images.read(write(tmp_path / "2.dcm", deep(12), 12))
    dark = images.read(write(tmp_path / "1.dcm", deep(12), 12, PhotometricInterpretation="MONOCHROME1"))
    assert np.array_equal(dark, 255 - light)
    both = {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}  # twice said, once meant
    assert np.array_equal(images.read(write(tmp_path / "3.dcm", deep(12), 12, **both)), dark)


def test_the_first_window_is_the_one_that_is_shown(tmp_path):
    values = deep(12)
    grey = images.read(write(tmp_path / "x.dcm", values, 12, WindowCenter=["1000", "5"], WindowWidth=["500", "9"]))
    assert (grey[values <= 749] == 0).all() and (grey[values >= 1250] == 255).all()
    assert np.abs(grey[(values > 760) & (values < 1240)] - 127.5).max() < 127
    middle = np.abs(values.astype(int) - 1000).argmin()
    assert abs(int(grey.flat[middle]) - 128) < 3


def test_the_window_is_laid_over_rescaled_values(tmp_path):
    values = deep(12)
    window = {"WindowCenter": 0, "WindowWidth": 1000, "RescaleSlope": 2, "RescaleIntercept": -4000}
    plain = {"WindowCenter": 2000, "WindowWidth": 500.5}
    a, b = (images.read(write(tmp_path / "x.dcm", values, 12, **some)) for some in (window, plain))
    assert np.abs(a.astype(int) - b).max() <= 1 and a.min() == 0 and a.max() == 255


@pytest.mark.parametrize(
    ("function", "quarter"), [("LINEAR", 0.25), ("LINEAR_EXACT", 0.25), ("SIGMOID", 1 / (1 + np.e))]
)
def test_the_three_functions_of_a_window(tmp_path, function, quarter):
    values = np.arange(1000, dtype=np.uint16).reshape(20, 50)
    grey = images.read(
        write(tmp_path / "x.dcm", values, 12, WindowCenter=500, WindowWidth=400, VOILUTFunction=function)
    )
    assert abs(int(grey.flat[500]) - 127.5) <= 2 and abs(int(grey.flat[400]) - 255 * quarter) <= 2
    assert (np.diff(grey.ravel().astype(int)) >= 0).all()


def test_signed_values_and_a_window_below_zero(tmp_path):
    values = (deep(12).astype(np.int16) - 2048).astype(np.int16)
    grey = images.read(write(tmp_path / "x.dcm", values, 12, WindowCenter=-1000, WindowWidth=100))
    assert (grey[values < -1051] == 0).all() and (grey[values > -949] == 255).all()


def test_a_voi_table_goes_before_the_window(tmp_path):
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [4096, 0, 12])
    table.add_new("LUTData", "US", list(range(4095, -1, -1)))  # turns everything round
    path = write(tmp_path / "x.dcm", deep(12), 12, VOILUTSequence=[table], WindowCenter=1, WindowWidth=2)
    assert np.abs(images.read(path) - (1 - RAMP) * 255).max() < 1


@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_does_not_count(tmp_path, kind):
    values = deep(12) // 2 + 500
    values[:10] = 4095
    grey = images.read(write(tmp_path / "x.dcm", values, 12, PixelPaddingValue=4095, PhotometricInterpretation=kind))
    assert not grey[:10].any() and grey[10:].min() == 0 and grey[10:].max() == 255


def test_jpeg_and_jpeg_2000_are_decoded_by_pillow(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(deep(8, np.uint8)).save(buffer, "JPEG", quality=95)
    path = write(tmp_path / "x.dcm", deep(8, np.uint8), 8, JPEGBaseline8Bit, encapsulate([buffer.getvalue()]))
    assert np.abs(images.read(path) - RAMP * 255).max() < 12
    if not features.check("jpg_2000"):
        pytest.skip("this Pillow reads no JPEG 2000")
    buffer = io.BytesIO()
    Image.fromarray(deep(16)).save(buffer, "JPEG2000", irreversible=False, no_jp2=True)
    path = write(tmp_path / "y.dcm", deep(16), 16, JPEG2000Lossless, encapsulate([buffer.getvalue()]))
    assert np.abs(images.read(path) - RAMP * 255).max() < 1


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless], ids=lambda uid: uid.name)
def test_a_missing_decoder_is_named_with_what_to_install(tmp_path, syntax):
    if get_decoder(syntax).is_available:
        pytest.skip(f"a decoder for {syntax.name} is installed here")
    path = write(tmp_path / "x.dcm", deep(12), 12, syntax, encapsulate([b"\xff\xd8 not decoded \xff\xd9"]))
    with pytest.raises(ImageError, match=r"x\.dcm: no decoder for JPEG.*pip install pylibjpeg pylibjpeg-libjpeg"):
        images.read(path)
    assert images.size_of(path) == (48, 40)  # needs no decoder


def test_a_decoder_that_fails_is_told_in_one_line_with_what_to_do(tmp_path):
    path = write(tmp_path / "x.dcm", deep(12), 12, JPEGExtended12Bit, encapsulate([b"\xff\xd8 of 12 bits \xff\xd9"]))
    with pytest.raises(ImageError, match=r"cannot be read.*pip install pylibjpeg.*export it without") as told:
        images.read(path)
    assert "\n" not in str(told.value)


def test_what_is_no_single_grey_image_is_refused_with_the_reason(tmp_path):
    path = tmp_path / "x.dcm"
    film = np.stack([deep(12)] * 3)
    for made, reason in [
        (lambda: write(path, film, 12, NumberOfFrames=3), "holds 3 frames"),
        (lambda: write(path, None), "holds no image"),
        (lambda: write(path, deep(8, np.uint8), 8, PhotometricInterpretation="RGB", SamplesPerPixel=3), "colours .RGB"),
        (lambda: write(path, deep(8, np.uint8), 8, PhotometricInterpretation="PALETTE COLOR"), "colours .PALETTE"),
        (lambda: write(path, deep(12), 12, PhotometricInterpretation=""), "does not say how its pixels are meant"),
        (lambda: write(path, deep(12), 12, WindowCenter=5, WindowWidth=0), "width of 0"),
        (lambda: write(path, deep(12), 12, WindowCenter=5, WindowWidth=9, VOILUTFunction="CUBIC"), "unknown function"),
    ]:
        made()
        with pytest.raises(ImageError, match=rf"x\.dcm.*{reason}"):
            images.read(path)
    write(path, film, 12, NumberOfFrames=3)
    for use in (images.size_of, images.check):
        with pytest.raises(ImageError, match="holds 3 frames"):
            use(path)


def test_one_frame_may_be_called_so(tmp_path):
    assert images.read(write(tmp_path / "x.dcm", deep(12), 12, NumberOfFrames=1)).shape == (48, 40)


@pytest.mark.parametrize("share", [0.9, 0.5, 0.1])
def test_a_truncated_file_is_refused_by_read_and_check(tmp_path, share):
    path = write(tmp_path / "x.dcm", deep(12), 12)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    for use in (images.read, images.check):
        with pytest.raises(ImageError, match=r"x\.dcm.*(again|itself)"):
            use(path)


def test_a_huge_file_is_refused_before_its_pixels_are_read(tmp_path):
    path = write(tmp_path / "x.dcm", deep(12), 12, Rows=60_000, Columns=60_000)
    with pytest.raises(ImageError, match="million pixels"):
        images.read(path)


def test_the_content_decides_and_not_the_name(tmp_path):
    write(tmp_path / "x.png", deep(12), 12)
    assert images.read(tmp_path / "x.png").max() == 255
    for content in (b"hello", b"\x89PNG\r\n"):
        (tmp_path / "y.dcm").write_bytes(content)
        with pytest.raises(ImageError, match=r"y\.dcm: named like a DICOM file"):
            images.read(tmp_path / "y.dcm")


def test_of_the_header_only_what_is_asked_for_comes_out(tmp_path):
    path = write(
        tmp_path / "x.dcm", deep(12), 12, PatientName="Doe^Jane", PatientID="77", StudyDate="20260102",
        OtherPatientNames=["A^B", "C^D"],
    )  # fmt: skip
    assert dicom.header(path, ["PatientID", "StudyDate"]) == {"PatientID": "77", "StudyDate": "20260102"}
    assert dicom.header(path, ["PatientName", "OtherPatientNames"])["OtherPatientNames"] == "A^B, C^D"
    assert dicom.header(path, ["AccessionNumber"]) == {"AccessionNumber": ""}
    assert dicom.header(path, []) == {}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("PatientIdent", "did you mean PatientI"),
        ("qqqq", "keyword such as PatientID"),
        ("PixelData", "not a text"),
        ("OtherPatientIDsSequence", "not a text"),
    ],
)
def test_a_name_that_dicom_does_not_know_is_an_error(tmp_path, name, message):
    with pytest.raises(dicom.DicomError, match=message):
        dicom.header(write(tmp_path / "x.dcm", deep(12), 12), [name])


def test_the_file_tells_whether_text_is_burnt_in(tmp_path):
    assert dicom.text_may_be_burnt_in(write(tmp_path / "x.dcm", deep(12), 12, BurnedInAnnotation="YES"))
    for said in ({"BurnedInAnnotation": "NO"}, {}):
        assert not dicom.text_may_be_burnt_in(write(tmp_path / "x.dcm", deep(12), 12, **said))


def test_a_table_of_ones_own_may_name_dicom_files(tmp_path):
    write(tmp_path / "a.dcm", deep(12), 12)
    write(tmp_path / "film.dcm", np.stack([deep(12)] * 2), 12, NumberOfFrames=2)
    (tmp_path / "table.csv").write_text("image,report\na.dcm,Clear.\nfilm.dcm,Clear.\n", encoding="utf-8")
    found = datasets.load("folder", tmp_path, progress=False)
    assert found.table["study_id"].tolist() == ["a.dcm"] and "film.dcm: this DICOM file holds 2 frames" in str(found)
