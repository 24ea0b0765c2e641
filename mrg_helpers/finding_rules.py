"""The wordings and the cues that ``findings`` reads reports with: data, to be read and extended; how they are used stands there.

All of it is in lower case. A wording is a regular expression that starts and ends at the border of a word.
"""

from __future__ import annotations

import re


def _few(n: int) -> str:
    """Up to ``n`` words between two that belong together."""
    return rf"(?:[\w,/-]+ ){{0,{n}}}?"


_HEART = (
    r"(?:heart(?: size| shadow)?|cardiac(?: silhouette| shadow| size| contours?)?|cardio-?\s?mediastinal silhouette)"
)
_TO_LARGE = r"(?:(?!normal|with|limits|lungs?)[\w,/-]+ ){0,6}?(?:enlarged|enlargement|large|widened|borderline)"
_AIR = r"(?:air-?\s?space|alveolar|patchy|hazy|confluent|ill-defined|focal)"
_IN_LUNG = r"(?:lung|midlung|pulmonary|(?:bi)?basilar|basal|base|apex|apical|perihilar|retrocardiac|lingula|lobe)"
_BENT = r"(?:tort[ur]o?us|torturous|tortuosity|unfold\w+|ectatic|ectasia|elongated)"
_GRANULOMA = r"(?:granulomas?|granulomata)"
_SMALL = r"(?:low(?:er)?|decreased|reduced|diminished|small|shallow)"

# name -> wordings. Where two overlap, the longer one counts: a "calcified nodule" is no nodule.
FINDINGS: dict[str, tuple[str, ...]] = {
    "cardiomegaly": ("cardiomegaly", "cardiac enlargement", rf"{_HEART} {_TO_LARGE}",
        rf"(?:enlarged|enlargement of|borderline) {_few(4)}(?:heart|cardiac)"),
    "enlarged cardiomediastinum": (rf"mediastin\w+ {_few(3)}(?:widen\w+|enlarged|prominent|prominence)",
        rf"(?:widen\w+|enlarged|prominent|prominence) {_few(3)}mediastin\w+"),
    "tortuous aorta": (rf"{_BENT},? {_few(6)}aort(?:a|ic)", rf"aort(?:a|ic) {_few(6)}{_BENT}"),
    "hiatal hernia": ("(?:hiatal|hiatus|diaphragmatic|paraesophageal) hernias?",),
    "hyperinflation": (r"hyper-?\s?(?:inflat|expan|aerat|disten)\w+", r"(?:large|increased) lung volumes"),
    "low lung volumes": (rf"{_SMALL} {_few(2)}volumes?(?! (?:of|pleural|(?:\w+ )?effusions?)\b)",
        rf"volumes? (?!.{{0,15}}normal){_few(3)}{_SMALL}",
        r"(?:hypo-?|under)(?:inflat|expan|aerat|ventil)\w+", r"(?:poor|low|suboptimal|shallow) inspirat\w+"),
    "nodule": ("nodules?",),
    "lung lesion": (r"nodular (?:opacit\w+|densit\w+|lesions?)", "mass(?:es)?", "lesions?", "neoplasms?", "tumors?",
        "malignancy", "carcinoma"),
    "calcified granuloma": (rf"calcifi(?:ed|c) {_few(6)}(?:{_GRANULOMA}|nodules?)", rf"{_GRANULOMA} {_few(3)}calcified"),
    "granuloma": (_GRANULOMA,),
    "granulomatous disease": (r"granulomatous (?:disease|process|infection|sequela\w*|change\w*|calcification\w*)",
        "histoplasmosis"),
    "airspace opacity": (rf"{_AIR} {_few(2)}(?:opacit\w+|opacification|disease|process|densit\w+)", r"infiltrat\w+"),
    "consolidation": (r"consolidat\w+",),
    "lung opacity": (r"opacit\w+", "opacification",
        rf"(?:{_IN_LUNG}|streaky|linear|patchy|vague|interstitial) densit\w+", rf"densit\w+ {_few(5)}{_IN_LUNG}"),
    "pneumonia": ("(?:broncho)?pneumonias?", "infectious process", "pulmonary infection"),
    "atelectasis": (r"atelecta\w+", "(?:lung|lobar|lobe) collapse", rf"collapse of {_few(4)}(?:lung|lobe)"),
    "edema": ("edema",),
    "vascular congestion": (r"(?:vascular|venous|pulmonary) (?:\w+ )?(?:congestion|engorgement|prominence)",
        "(?:heart|cardiac) failure",
        rf"(?:prominent|increased|engorged|prominence of) {_few(3)}(?:pulmonary|lung|central|hilar) {_few(1)}vascul\w+",
        rf"pulmonary vascul\w+ {_few(2)}(?:prominent|increased|engorged|congested)"),
    "pleural effusion": ("(?:pleural )?(?<!pericardial )(?<!joint )effusions?", "pleural fluid", "hydropneumothorax"),
    "pneumothorax": (r"(?:hydro|hemo)?pneumo-?\s?thora(?:x|ces)\w*", "pleural air(?: collections?)?"),
    "pleural other": (r"pleural(?:-\w+)? (?:\w+ )?(?:thickening|scarring|plaques?|calcifications?)", "fibrothorax"),
    "emphysema": (r"(?<!subcutaneous )emphysema\w*", "copd", r"(?:chronic )?obstructive (?:\w+ )?(?:disease|change\w*)"),
    "scarring": ("scar(?:ring|s)?", r"cicatri\w+", "(?<!cystic )fibros[ie]s", "fibrotic"),
    "elevated diaphragm": (rf"(?:elevat\w+|eventration) {_few(4)}(?:hemi)?diaphragms?", r"diaphragm\w* hump",
        rf"(?:hemi)?diaphragms? {_few(3)}(?:elevat\w+|eventration)"),
    "atherosclerosis": (r"atheroscler\w+", rf"calcifi\w+ {_few(4)}aort\w+", rf"aort\w+ {_few(3)}calcifi\w+",
        r"(?:vascular|arterial) calcification\w*"),
    "degenerative change": (r"degenerative (?:\w+ )?(?:changes?|disease|disc|spurring)", "spondylosis", r"osteophyt\w+",
        "arthritic changes?"),
    "scoliosis": (r"(?:dextro|levo)?-?scolio\w+(?: curvature)?", "(?:dextro|levo)curvature",
        r"curvature (?:of |in )?(?:the )?(?:\w+ ){0,2}?(?:spine|thoracolumbar)",
        "(?:spine|spinal|thoracolumbar) curvature", "(?:right|left)ward curvature"),
    "fracture": (r"fractur\w+",),
    "pacemaker": (r"(?:(?:cardiac )?pace-?\s?makers?|aicd|icd|defibrillator)(?: generator| device| leads?)*",),
    "central line": ("central (?:venous )?(?:catheters?|lines?)", "picc(?: line| catheter)?", r"port-?a-?cath\w*",
        rf"(?:venous|(?:hemo)?dialysis|jugular|subclavian|ij|pic|indwelling|port) {_few(1)}catheters?", "mediport", "catheter tip"),
    "sternotomy wires": ("sternotomy(?: (?:wires?|sutures?))?", "sternal (?:wires?|sutures?)"),
    "support devices": ("(?:endotracheal|tracheostomy|nasogastric|enteric|feeding|chest) tubes?", "stents?", r"prosthe\w+",
        "(?:monitor(?:ing)?|ekg|ecg|electronic|closure) (?:leads?|devices?)", "(?:pleural|drainage|shunt) catheters?"),
}  # fmt: skip

# Two names that share a word, "aorta": "the aorta is tortuous and calcified" says both.
TOGETHER = {"tortuous aorta", "atherosclerosis"}

# What is a case of something more general. Only what is asserted or doubted is passed on: "no nodule" denies no lesion.
PART_OF: dict[str, tuple[str, ...]] = {
    "nodule": ("lung lesion",),
    "airspace opacity": ("lung opacity",),
    "consolidation": ("airspace opacity", "lung opacity"),
    "pacemaker": ("support devices",),
    "central line": ("support devices",),
    "sternotomy wires": ("support devices",),
}
DEVICES = {"support devices", *(name for name, whole in PART_OF.items() if "support devices" in whole)}

# Wordings that deny without a word of denial.
NORMAL: dict[str, tuple[str, ...]] = {
    "cardiomegaly": (r"(?:heart|cardiac|cardio-?\s?mediastinal)\b[^.;]{0,60}?\b(?:normal|unremarkable|within)\b",
        rf"normal {_few(3)}(?:heart|cardiac|cardio-?\s?mediastinal)\b"),
    "pleural effusion": (r"(?:costophrenic|pleural) (?:angles?|spaces?|sulci) (?:are|is) (?:clear|sharp|preserved)",),
    "lung opacity": (rf"lungs? {_few(4)}clear\b", r"clear (?:\w+ )?lungs\b"),
    "low lung volumes": (r"normal lung volumes\b", r"lungs are (?:normally|well) (?:inflated|expanded|aerated)"),
}  # fmt: skip

# Cues before a finding reach it from anywhere in its clause; cues after it, only within its phrase.
_NO_CHANGE = r"\b(?:no|not|without)(?: \w+){0,2}? (?:chang\w+|increase|decrease|improvement)\b|\bnot only\b"
_DENIAL = r"""\b(?:no\ longer|no
    |not(?!\ (?:\w+\ )?(?:exclude|seen|identified|visuali[sz]ed))
    |without|absence\ of|absent|free\ of|clear\ of|negative\ for|neither|nor|lack\ of
    |rather\ than
    |(?<!near-complete\ )resolution\ of|(?<!has\ )(?<!have\ )(?<!completely\ )resolved|removal\ of|excludes|denies)\b"""
_DOUBT = r"""\b(?:may|maybe|might|could|possib\w+|probab\w+|likely|perhaps|presum\w+|potential\w*|suspicious\ for|suspect\w*
    |suspicion|(?<!to\ )suggest\w*|favor\w*|concern\w*\ (?:for|of)|worrisome\ for|question\w*|equivocal|versus|vs|rule\ out
    |(?:can\ ?)?not\ (?:\w+\ )?exclude
    |difficult\ to\ (?:\w+\ )?exclude|evaluate\ for|to\ exclude|differential|correlate\ (?:\w+\ )?for)\b"""
_DENIED_AFTER = r"""\b(?:(?:not|no\ longer)\ (?:\w+\ ){0,2}?(?:seen|identified|present|evident|visuali[sz]ed|appreciated|noted
    |demonstrated|observed|apparent|visible|enlarged|xxxx(?!\ since))
    |(?:is|are|appears?)\ within\ (?:normal\ limits|limits\ of\ normal)
    |(?:has|have)\ (?:been\ )?(?:resolved|removed|cleared)
    |(?:is|are)\ absent|(?:is|are|been)\ (?:excluded|removed))\b"""
_DOUBTED_AFTER = r"""\b(?:(?:can\ ?not|could\ not|not|difficult\ to|hard\ to)(?:\ be)?(?:\ \w+)??\ exclude\w*|suspected
    |(?:is|are)\ (?:\w+\ )?(?:possible|questioned|considered|unlikely|likely)|could\ have|versus|vs)\b"""
CUES = {
    name: re.compile(cue, re.VERBOSE)
    for name, cue in {
        "no change": _NO_CHANGE.replace(" ", r"\ "),
        "denial": _DENIAL,
        "doubt": _DOUBT,
        "denied after": _DENIED_AFTER,
        "doubted after": _DOUBTED_AFTER,
    }.items()
}
STOP = re.compile(r"\.(?!\d)|[!?\n;]")
TURN = re.compile(  # the speaker turns to something else
    r"\b(?:but|however|although|though|except|apart from|aside from|other than|otherwise|which|there (?:is|are)"
    r"|(?<!consistent )(?<!compatible )(?<!keeping )(?<!associated )with)\b"
)
SIDES = re.compile(
    r"(?P<bilateral>\b(?:bilateral\w*|both|bibasilar|bibasal|biapical|(?:right|left) and (?:the )?(?:left|right))\b)"
    r"|(?P<left>\bleft|\blingula|levo)|(?P<right>\bright|dextro)"
)
DEGREES = {word: degree for degree, words in {
    "borderline": "borderline", "mild": "mild mildly minimal minimally slight slightly", "moderate": "moderate moderately",
    "severe": "severe severely marked markedly", "small": "small tiny trace", "large": "large massive",
}.items() for word in words.split()}  # fmt: skip
DEGREE = re.compile(rf"\b(?:{'|'.join(DEGREES)})\b")
UNSIDED = {"cardiomegaly", "enlarged cardiomediastinum", "tortuous aorta", "hiatal hernia", "hyperinflation", "edema",
            "low lung volumes", "sternotomy wires", "degenerative change", "vascular congestion", "emphysema"}  # fmt: skip
