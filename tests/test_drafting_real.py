"""Every real X-ray beside the project gets a draft, as the picture that it is and as a DICOM file that is made of it."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image, features
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)
from test_dicom import write as write_dicom

from mrg_helpers import draft_page, drafting, images
from mrg_helpers.drafts import NOTICE

SECRET = "Zyxwvutsrqpo"  # long enough not to stand in the base64 of a picture by chance
RLE = [(RLELossless, 16, "MONOCHROME2"), (RLELossless, 8, "MONOCHROME1")]
KINDS = RLE + [
    (ExplicitVRLittleEndian, 8, "MONOCHROME2"), (ImplicitVRLittleEndian, 12, "MONOCHROME1"),
    (DeflatedExplicitVRLittleEndian, 16, "MONOCHROME2"), (JPEGBaseline8Bit, 8, "MONOCHROME2"),
    (ExplicitVRBigEndian, 16, "MONOCHROME1"), (JPEG2000Lossless, 12, "MONOCHROME1"),
    (ImplicitVRLittleEndian, 16, "MONOCHROME2"), (ExplicitVRLittleEndian, 12, "MONOCHROME1"),
]  # fmt: skip
if not features.check("jpg_2000"):
    KINDS = [kind for kind in KINDS if kind[0] != JPEG2000Lossless]


@pytest.fixture(scope="module")
def drafter(tiny):
    return drafting.Drafter(tiny)


@pytest.fixture(scope="module")
def real(shared):
    """All of them in turn, one list for each kind; the smallest for RLE, on whose writing pydicom takes its time."""
    found = [path for name in ("cxr_notes", "iu_xray") for path in sorted((shared / name / "images").iterdir())]
    assert len(found) > 150, "the real X-rays are not all there"
    found.sort(key=lambda path: np.prod(images.size_of(path)))
    small, rest = found[: len(found) // 10], found[len(found) // 10 :]
    others = len(KINDS) - len(RLE)
    shares = [small[k :: len(RLE)] for k in range(len(RLE))] + [rest[k::others] for k in range(others)]
    assert sorted(sum(shares, [])) == sorted(found)
    return shares


def as_dicom(path, grey, syntax, bits, photometric):
    """A DICOM file that shows these grey values, with a patient's name in its header."""
    step = 2 ** (bits - 8)
    stored = (255 - grey if photometric == "MONOCHROME1" else grey).astype(np.uint8 if bits == 8 else np.uint16) * step
    window = {"WindowCenter": 127.5 * step + 0.5, "WindowWidth": 255 * step + 1}  # 0 is black, 255 steps are white
    packed = None
    if syntax in (JPEGBaseline8Bit, JPEG2000Lossless):
        how = ("JPEG", {"quality": 90}) if syntax == JPEGBaseline8Bit else ("JPEG2000", {"no_jp2": True})
        Image.fromarray(stored).save(buffer := io.BytesIO(), how[0], **how[1])
        packed = encapsulate([buffer.getvalue()])
    names = {"PatientName": f"{SECRET}^Jane", "PatientID": f"{SECRET}77", "InstitutionName": f"{SECRET} Hospital"}
    shown = {"PhotometricInterpretation": photometric, **window}
    return write_dicom(path, stored, bits, syntax, packed, **shown, **names)


def told(draft):
    """What a draft says, without when it was made and of which file."""
    said = draft.to_dict()
    return {**said, "made": "", "image": {**said["image"], "kind": "", "sha256": ""}}


@pytest.mark.parametrize("k", range(len(KINDS)), ids=[f"{uid.name}, {bits} bits, {p}" for uid, bits, p in KINDS])
def test_every_real_x_ray_gets_a_draft_and_its_dicom_file_the_same(drafter, real, tmp_path, k):
    for path in real[k]:
        draft = drafter(path)
        assert draft.text and np.isfinite(draft.log_probs).all(), path.name
        made = as_dicom(tmp_path / f"{SECRET}.dcm", draft.image, *KINDS[k])
        found = drafter(made)
        if KINDS[k][0] == JPEGBaseline8Bit:  # loses a little, so that another word may be written
            assert np.abs(found.image.astype(int) - draft.image).mean() < 3 and found.text, path.name
        else:
            assert np.array_equal(found.image, draft.image) and told(found) == told(draft), path.name
        for one in (draft, found):
            page, data = draft_page.page(one), json.dumps(one.to_dict())
            assert NOTICE in page and NOTICE in data and one.to_dict()["text"] == one.text, path.name
            for word in (SECRET, path.name, str(path.parent)):
                assert word.lower() not in (page + data).lower(), (path.name, word)
