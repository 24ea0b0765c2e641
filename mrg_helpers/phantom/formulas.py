"""What radiologists write of everybody: what is normal, what is denied, why the picture was taken.

The notation is that of ``wordings``.
"""

from __future__ import annotations

# Where in a report something stands.
HEART, MEDIASTINUM, LUNGS, PLEURA, BONES, DEVICES, OPENING, CLOSING = 1, 2, 3, 4, 5, 6, 0, 7
PLACE_IN_REPORT = {
    HEART: ("cardiomegaly",),
    MEDIASTINUM: ("tortuous aorta", "hiatal hernia"),
    LUNGS: ("hyperinflation", "low lung volumes", "nodule", "calcified granuloma", "airspace opacity", "atelectasis"),
    PLEURA: ("pleural effusion", "pneumothorax"),
    BONES: ("scoliosis",),
    DEVICES: ("pacemaker", "central line", "sternotomy wires"),
}

_NORMAL = "{is normal|is within normal limits|appears normal|is unremarkable}"
_NORMALS = "{are normal|are within normal limits|appear normal|are unremarkable}"
_AIR = ("airspace opacity", "atelectasis")
_SMALL = ("nodule", "calcified granuloma")
# Normal sentences: (place in the report, topic, what must be absent, wordings). One sentence per topic at most.
NORMALS = (
    (HEART, "heart", ("cardiomegaly",), (
        "{Heart size|The heart size|Cardiac silhouette|The cardiac silhouette} " + _NORMAL,
        "{Normal heart size|Heart size normal|Heart is not enlarged|The heart is normal in size}")),
    (HEART, "heart", ("cardiomegaly", "tortuous aorta", "hiatal hernia"), (
        "{The cardiomediastinal silhouette|Cardiomediastinal silhouette} " + _NORMAL + "{ in size and contour|}",
        "{Heart and mediastinum|The heart and mediastinum|Cardiac and mediastinal contours} " + _NORMALS)),
    (MEDIASTINUM, "mediastinum", ("tortuous aorta", "hiatal hernia"), (
        "{The mediastinum|Mediastinal contour|The mediastinal contour} " + _NORMAL,
        "{Mediastinal|Hilar and mediastinal} contours " + _NORMALS, "There is no mediastinal widening")),
    (MEDIASTINUM, "aorta", ("tortuous aorta",), ("{The aorta|Aortic contour|The aortic knob} " + _NORMAL,)),
    (MEDIASTINUM, "vessels", (), (
        "{Pulmonary vascularity|The pulmonary vascularity|Pulmonary vasculature} " + _NORMAL,
        "{There is no|No} {pulmonary vascular congestion|central venous congestion|vascular engorgement}")),
    (MEDIASTINUM, "hila", (), ("{The hila|Hilar structures|The hilar structures|Hilar contours} " + _NORMALS,
        "No {hilar |mediastinal |}{adenopathy|lymphadenopathy}")),
    (MEDIASTINUM, "trachea", (), ("{The trachea|Trachea} is {midline|midline and patent}",)),
    (LUNGS, "clear", (*_AIR, *_SMALL, "hyperinflation", "low lung volumes"), (
        "{The lungs|Lungs|Both lungs} {are clear|are clear bilaterally|are clear and expanded|appear clear}",
        "{The lungs|Lungs} are {well-expanded|normally inflated} and clear",
        "{Clear lungs|Lungs clear bilaterally|The lungs are well aerated}")),
    (LUNGS, "clear", _AIR, ("{The lungs|Lungs} are {otherwise clear|grossly clear|free of focal airspace disease}",
        "{The lungs|Lungs} are clear of {focal airspace disease|focal infiltrate|consolidation}")),
    (LUNGS, "interstitium", (), ("{There is no|No} {interstitial disease|interstitial thickening}",)),
    (LUNGS, "volumes", ("hyperinflation", "low lung volumes"), (
        "{Lung volumes|The lung volumes} " + _NORMALS, "{There is good|Good} inspiratory effort")),
    (PLEURA, "angles", ("pleural effusion",), ("{The costophrenic|Costophrenic} angles are {sharp|clear|preserved}",)),
    (PLEURA, "spaces", ("pleural effusion", "pneumothorax"), (
        "{The pleural spaces|Pleural spaces} are clear", "No {pleural abnormality|pleural disease}")),
    (PLEURA, "diaphragm", ("hyperinflation", "hiatal hernia"), (
        "{The diaphragm is|Diaphragm is} {unremarkable|well defined}",
        "{Hemidiaphragms|Both hemidiaphragms} are {smooth|well seen}")),
    (BONES, "bones", (), ("{No acute|There is no acute} {bony|osseous} {abnormality|findings}",
        "{Visualized|The visualized} {osseous|bony} structures {are intact|appear intact|are grossly normal}",
        "{The bony thorax|Bony thorax} {is intact|is grossly intact|is unremarkable}",
        "Osseous structures are grossly intact")),
    (BONES, "ribs", (), ("No {displaced |acute |}rib fracture{ is seen|}",)),
    (BONES, "spine", ("scoliosis",), ("{The thoracic|Thoracic|The} spine is {normal in alignment|straight}",)),
    (BONES, "soft tissues", ("pacemaker",), ("{The soft tissues|Soft tissues|Visualized soft tissues} " + _NORMALS,)),
    (BONES, "abdomen", ("hiatal hernia",), (
        "{No|There is no} free {intraperitoneal air|air under the diaphragm}",
        "Visualized upper abdomen is unremarkable")),
    (DEVICES, "no lines", ("pacemaker", "central line", "sternotomy wires"), (
        "No {radiopaque|metallic} foreign body",)),
    (OPENING, "technique", (), (
        "{PA and lateral|Frontal and lateral|Two} {views|radiographs} of the chest {were obtained|}",
        "The {examination|study} consists of frontal and lateral {radiographs|views} of the chest",
        "{No prior studies are available for comparison|There are no prior films for comparison}")),
    (CLOSING, "closing", (), ("{No other|There is no other} {significant|acute} abnormality {is seen|}",
        "{The remainder of the examination|The rest of the study} is {unremarkable|within normal limits}")),
    (CLOSING, "quality", (), (
        "{Evaluation|Assessment} of the {upper abdomen|soft tissues} is {limited|somewhat limited}",
        "{The study|The examination} is of {good|adequate|diagnostic} quality")),
)  # fmt: skip

# Things that are denied in lists: (what must be absent, wordings).
DENIABLE = (
    (("pneumothorax",), ("pneumothorax", "pneumothoraces")),
    (("pleural effusion",), ("pleural effusion", "pleural effusions", "effusion")),
    (("airspace opacity",), ("focal consolidation", "focal airspace disease", "focal airspace opacity", "infiltrate")),
    ((), ("pulmonary edema", "edema")),
    (_SMALL, ("suspicious nodule", "nodules or masses", "suspicious pulmonary nodule")),
    (_AIR, ("pneumonia",)),
)
DENIALS = (
    "No $list{| $be seen| $be identified| $be appreciated}",
    "There $BE no $list{| seen| identified}",
    "{There is no|No} {evidence of|radiographic evidence of} $list",
    "No {definite|visible|convincing|large} $list",
    "{Negative for|Specifically, no evidence of} $list",
    "$list $be not {seen|identified|visualized}",
)

_PLAIN = "{abnormality|abnormality|abnormality|findings|disease|abnormalities|process}"
NORMAL_IMPRESSIONS = (  # (weight, wordings)
    (48, (f"No acute cardiopulmonary {_PLAIN}",)),
    (9, ("No acute {disease|findings|abnormality|process|pulmonary disease|intrathoracic process}",)),
    (8, ("No active disease", "{No|There is no} {evidence of active|radiographic evidence of acute} disease")),
    (
        6,
        ("Normal chest{| x-ray| radiograph| exam| examination}", "Negative chest{| x-ray}", "Unremarkable radiographs"),
    ),
    (4, ("{Clear lungs|Lungs are clear|The lungs are clear}",)),
    (
        4,
        ("No acute {radiographic |}cardiopulmonary {abnormality|process} identified", "Negative for acute abnormality"),
    ),
    (3, ("Heart size normal. {Lungs are clear|Clear lungs}. No {pneumothorax|effusion|edema}",)),
    (2, ("No {evidence of |acute |}pneumonia", "{Stable|Stable normal} chest. No acute process")),
)
NO_OTHER = (
    "No acute cardiopulmonary {abnormality|process|disease|findings}",
    "No {other |additional |}acute {abnormality|findings}",
    "No acute pulmonary {disease|abnormality|findings}",
    "{Otherwise, no|No} acute disease",
)
ADVICE = (
    "{Clinical correlation|Correlation with clinical findings} is {recommended|advised}",
    "{Followup|Repeat} {PA and lateral chest radiographs|chest x-ray|imaging} may be {helpful|considered}",
    "{Findings|Results} were {discussed with|communicated to} the referring {physician|clinician}",
)
REASONS = (
    "chest pain", "dyspnea", "shortness of breath", "cough", "cough and fever", "preop evaluation",
    "positive TB test", "hypertension", "rib pain", "weakness", "wheezing", "syncope", "abdominal pain",
    "pneumonia", "altered mental status", "tobacco use", "trauma", "palpitations", "fever", "fall", "back pain",
    "screening", "asthma", "dizziness", "COPD",
)  # fmt: skip
INDICATIONS = (
    "$Reason{.|}", "XXXX-year-old $sex with $reason.", "XXXX-year-old $sex, $reason{.|}", "$reason",
    "XXXX-year-old $sex with XXXX.", "XXXX", "$Reason for {one week|two days|XXXX days}, evaluate for infiltrate",
    "$Reason and $other{.|}", "Patient with $reason & $other, rule out {pneumonia|effusion}",
)  # fmt: skip
COMPARISONS = (
    "None.", "None.", "None available.", "XXXX, XXXX.", "XXXX.", "Chest radiograph XXXX.",
    "Two views of the chest dated XXXX.", "PA and lateral chest x-XXXX dated XXXX.", "No comparison chest x-XXXX.",
    "CT chest XXXX.",
)  # fmt: skip

# Words the collection's anonymiser tends to take for names and dates; it leaves XXXX in their place.
EATEN = (
    "bony", "osseous", "hila", "hilar", "(?<!not )visualized", "thoracic", "definite", "evidence of",
    "(?<!not )seen", "again",
    "stable", "prior", "structures", "vascularity", "vasculature", "silhouette", "contour", "contours",
    "projection", "radiographs", "views", "followup", "(?<!not )identified", "angles", "tip", "acute", "old",
    "remote", "well-expanded", "satisfactory", "(?<=x-)ray", "(?<=sternotomy )wires", "otherwise",
    "grossly",
)  # fmt: skip
