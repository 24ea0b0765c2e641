"""What radiologists write: the table of wordings from which :mod:`mrg_helpers.phantom.grammar` builds a report.

``{a|b|}`` is a choice (it may be empty, and may hold other choices). These words are filled in from the finding:

========= ======================================== =============================================
``$deg``  its degree, or nothing                   small, mild
``$DEG``  the same, and the wording needs one      small, mild
``$degly``  its degree as an adverb                mildly, borderline
``$side`` left, right or bilateral
``$adj``  side and place before a noun             right upper lobe, left basilar, biapical
``$where``  side and place after "in the"          right upper lobe, left lung base, lung apices
``$curve``  scoliosis by its convexity             dextroscoliosis
``$size`` its diameter                             1.9 cm
========= ======================================== =============================================

A finding that the picture shows is always stated as a fact. Doubt (``DIFFERENTIALS``) is only about what it means.
"""

from __future__ import annotations


def _there(what: str, be: str = "is", article: str = "") -> str:
    """The sentences that say that ``what`` is there: "There is a ...", "... is seen", or just "..."."""
    return f"{{There {be} {article} {what}|{what} {be} {{present|seen|noted|again seen|identified}}|{what}}}"


_A, _MANY = {"article": "a"}, {"be": "are"}
_WITH = "{consistent with|compatible with|in keeping with}"

# name -> sentences of the findings section for one side; "name*" -> for both sides at once, where the grammar differs.
STATEMENTS = {
    "cardiomegaly": (
        "{There is|There is stable|} $deg cardiomegaly",
        "The heart {is|appears} $degly enlarged",
        "{The cardiac silhouette|Cardiac silhouette|The heart size|Heart size} {is|appears} $degly enlarged",
        "{There is|} $deg enlargement of the {cardiac silhouette|heart|cardiac contour}",
        "The {cardiothoracic ratio is increased|heart shadow is widened}, " + _WITH + " $deg cardiomegaly",
    ),
    "tortuous aorta": (
        "{The thoracic aorta|The aorta|Aorta|Thoracic aorta} is $degly tortuous{| and ectatic| and unfolded}",
        "{There is a|} $deg tortuous {thoracic aorta|aorta|descending aorta}",
        "{There is|} $deg {tortuosity|unfolding} of the {thoracic |}aorta",
    ),
    "hiatal hernia": (
        _there("$deg hiatal hernia", **_A),
        "{Retrocardiac|Rounded retrocardiac} {density|soft tissue density} {with an air-fluid level|}, "
        + _WITH
        + " a $deg hiatal hernia",
        "$deg hiatal hernia {projects behind the heart|contains an air-fluid level|is noted behind the cardiac shadow}",
    ),
    "hyperinflation": (
        "{The lungs|Lungs|Both lungs} {are|appear|remain} $degly {hyperinflated|hyperexpanded|hyperaerated}"
        "{ with {flattened hemidiaphragms|flattening of the diaphragm|increased retrosternal clear space}|}",
        "{There is|} $deg {hyperinflation|hyperexpansion} {of the lungs|of both lungs}",
        "{The hemidiaphragms|Hemidiaphragms} are flattened, " + _WITH + " $deg hyperinflation",
    ),
    "low lung volumes": (
        "{There are|} $deg low lung volumes{ with {bronchovascular crowding|crowding of the markings}|}",
        "{Lung volumes|The lung volumes} are $degly {low|decreased|reduced|diminished}",
        "{The lungs|Lungs} are $degly {hypoinflated|hypoexpanded|hypoaerated}{ with bronchovascular crowding|}",
        "{There is|} $deg {hypoinflation|hypoventilation}{ with {bronchovascular crowding|crowded central markings}|}",
    ),
    "nodule": (
        "{There is a|A|} $deg {pulmonary|rounded|solitary|} nodule {in|within|projecting over|overlying} the $where",
        _there("$deg $adj {pulmonary |}nodule", **_A),
        "{There is a|A|} {nodule|rounded nodule} in the $where {measuring|which measures} {approximately |}$size",
        "A $deg {well-circumscribed|round|discrete} nodule {is seen in|overlies} the $where",
    ),
    "nodule*": (
        "{There are|} $deg {pulmonary |lung |}nodules in {both lungs|the $where}",
        _there("$deg $adj nodules", **_MANY),
    ),
    "calcified granuloma": (
        "{There is a|A|} $deg calcified granuloma {in|within|overlying} the $where",
        _there("$deg $adj calcified granuloma", **_A),
        "{Dense|Densely|} calcified nodule in the $where, " + _WITH + " {a|an old|a prior} granuloma",
        "{There is a|} calcified granuloma of the $where measuring {approximately |}$size",
    ),
    "calcified granuloma*": (
        "{There are|} calcified granulomas in the $where",
        _there("{scattered|multiple} $adj calcified granulomas", **_MANY),
    ),
    "airspace opacity": (
        "{There is|} $deg {airspace|patchy|focal|hazy|patchy airspace|focal airspace} opacity {in|within} the $where",
        _there("$deg {patchy|focal|} $adj {airspace disease|airspace opacity|consolidation|infiltrate}"),
        "$deg {focal|patchy|confluent} {consolidation|infiltrate|airspace disease} {is {present|seen|noted}|} in the $where",
        "There is {an area of|a focus of|} $deg consolidation {in|involving} the $where{ with air bronchograms|}",
    ),
    "airspace opacity*": (
        "{There are|} $deg {airspace|patchy|hazy|patchy airspace} opacities in the $where",
        _there("$deg $adj {airspace opacities|patchy opacities|infiltrates}", **_MANY),
    ),
    "atelectasis": (
        _there("$deg $adj {atelectasis|subsegmental atelectasis|discoid atelectasis|atelectatic change}"),
        "$deg {linear|bandlike|platelike|streaky|subsegmental} atelectasis {in|at|within} the $where",
        "{Linear|Bandlike|Streaky} {opacity|density} {in|at} the $where, " + _WITH + " $deg atelectasis",
    ),
    "pleural effusion": (
        _there("$deg $side pleural effusion", **_A),
        _there("$deg $side-sided {pleural effusion|layering pleural effusion}", **_A),
        "{There is blunting|Blunting} of the $side costophrenic {angle|sulcus}, "
        + _WITH
        + " a $deg {pleural |}effusion",
        "{The|} $side costophrenic angle is {blunted|obscured} by a $deg pleural effusion",
        "{There is a|} $deg {amount|volume} of pleural fluid on the $side",
    ),
    "pleural effusion*": (
        _there("$deg bilateral pleural effusions", **_MANY),
        "{There is blunting|Blunting} of both costophrenic angles, " + _WITH + " $deg {pleural |}effusions",
        "Bilateral {pleural |}effusions {are present|are seen}{, $DEG in size|, $DEG on each side}",
    ),
    "pneumothorax": (
        _there("$deg $adj pneumothorax", **_A),
        _there("$deg $side-sided pneumothorax", **_A),
        "{A thin|A|} pleural line is visible in the {$side hemithorax|$where}, " + _WITH + " a $deg pneumothorax",
        "{There is a|} $deg $side pleural air collection, " + _WITH + " {a |}pneumothorax",
    ),
    "pneumothorax*": (_there("$deg bilateral pneumothoraces", **_MANY),),
    "scoliosis": (
        "{There is|} $deg $curve of the {thoracic|thoracolumbar|} spine",
        _there("$deg {thoracic|thoracolumbar} $curve"),
        "{There is|} $deg scoliotic curvature of the {thoracic |}spine, convex to the $side",
    ),
    "pacemaker": (
        "{A|} $side {chest wall |chest |}{cardiac pacemaker|pacemaker} is {in place|present|noted}"
        "{ with {intact |}leads {overlying|projecting over} the {heart|cardiac silhouette}|}",
        "{Pacemaker|Cardiac pacemaker} generator {overlies|projects over} the $side {chest|chest wall|hemithorax}",
        "$side-sided {pacemaker|dual-lead pacemaker|cardiac pacemaker} with {leads in expected position|intact leads}",
        "{There is a|} $side {subclavian |}{pacemaker|cardiac pacemaker device}{ in satisfactory position|}",
    ),
    "central line": (
        "{A|} $side {central venous catheter|central venous line|central line} "
        "{terminates|has its tip|is seen with its tip} {in the {mid |lower |}SVC|at the cavoatrial junction}",
        "$side{-sided|} central {venous catheter|line|catheter} {is in place|in stable position|is noted}",
        "The tip of {a|the} $side central {venous |}catheter {projects|is seen} over the {SVC|superior vena cava}",
    ),
    "sternotomy wires": (
        "{Median|Midline|Intact median|Prior} sternotomy wires {are present|are noted|are intact|are in place|}",
        "{Sternal wires|Sternotomy wires} are {intact|in place|aligned|again noted}",
        "{The patient is|Patient is|} status post median sternotomy{ with intact wires|}",
        "{Postsurgical|Postoperative} changes of {median|prior} sternotomy",
    ),
}

# The short forms of the impression; a name that is missing here uses STATEMENTS.
CONCLUSIONS = {
    "cardiomegaly": ("{Stable|} $deg cardiomegaly", "$deg enlargement of the {heart|cardiac silhouette}"),
    "tortuous aorta": ("$deg tortuous {thoracic |}aorta", "Tortuosity of the {thoracic |}aorta"),
    "hiatal hernia": ("$deg hiatal hernia",),
    "hyperinflation": ("{Hyperinflated|Hyperexpanded} lungs", "$deg {hyperinflation|hyperexpansion}"),
    "low lung volumes": ("{Low lung volumes|Hypoinflation}",),
    "nodule": ("$deg $adj {pulmonary |lung |}nodule", "{Pulmonary |Lung |}nodule in the $where"),
    "calcified granuloma": ("{Stable|} $adj calcified granuloma", "Calcified granuloma in the $where"),
    "airspace opacity": (
        "$adj {airspace opacity|airspace disease|consolidation|infiltrate}",
        "{Patchy|Focal|$deg focal} {airspace disease|consolidation} in the $where",
    ),
    "atelectasis": ("{$deg|} $adj atelectasis", "{Subsegmental|Discoid|$deg} atelectasis in the $where"),
    "pleural effusion": ("$deg $side{-sided|} pleural effusion",),
    "pleural effusion*": ("$deg bilateral pleural effusions",),
    "pneumothorax": ("$deg $adj pneumothorax",),
    "scoliosis": ("$deg {thoracic |}$curve", "$curve of the {thoracic |}spine"),
    "pacemaker": ("$side{-sided|} pacemaker{ in {satisfactory|stable|expected} position|}",),
    "central line": ("$side {central line|central venous catheter} {in place|in good position|with tip in the SVC}",),
    "sternotomy wires": ("{Status post|Prior} {median |}sternotomy",),
}

# What a finding may mean, and what to do about it: appended to its sentence.
DIFFERENTIALS = {
    "cardiomegaly": (
        ", {which may be|perhaps} accentuated by {technique|the projection}",
        ". Pericardial effusion {could have this appearance|cannot be excluded}",
    ),
    "tortuous aorta": (", {possibly|perhaps} related to {hypertension|atherosclerosis}",),
    "hyperinflation": (
        ", {suggestive of|which may represent|possibly representing} {emphysema|COPD|air trapping}",
        ". {This may reflect|Findings suggest} {obstructive lung disease|emphysematous change}",
    ),
    "low lung volumes": (", {possibly|perhaps} due to {body habitus|poor effort|patient positioning}",),
    "nodule": (
        ". {Neoplasm|Malignancy|A neoplastic process} cannot be excluded",
        ", {which may represent|possibly} {a hamartoma|scarring|focal scarring}",
        ". {Chest CT|CT of the chest|Further evaluation with CT} is recommended{ for characterization|}",
        ". Correlation with {prior studies|prior imaging|older films} is {suggested|advised|recommended}",
    ),
    "calcified granuloma": (
        ", {sequela of|related to|indicating} {prior|remote|old} granulomatous disease",
        ", {likely|probably|presumably} from {remote histoplasmosis|old infection|healed infection}",
    ),
    "airspace opacity": (
        ", {which may represent|possibly representing|concerning for|suspicious for|suggestive of} "
        "{pneumonia|an infectious process|pneumonia or aspiration|aspiration|early pneumonia}",
        ". {Pneumonia|Aspiration|Infection} {cannot be excluded|is suspected|could have this appearance}",
        ". {Followup|Repeat} {radiographs|films} {are recommended|in 6 weeks} to document {resolution|clearing}",
    ),
    "atelectasis": (
        ", {although|but} {pneumonia|superimposed infection} cannot be {entirely |completely |}excluded",
        ". {Scarring|Chronic scarring} {could have a similar appearance|is also possible}",
        ". The {remainder of the lungs is|remaining lung fields are|lungs are otherwise} clear",
    ),
    "pleural effusion": (
        ". {Underlying|Associated} {pneumonia|infection} cannot be excluded",
        ", {possibly|perhaps} {related to volume overload|reactive|parapneumonic}",
    ),
    "pneumothorax": (
        " without {mediastinal shift|evidence of tension}",
        ". {Short interval|Short term|Close} followup is {recommended|advised}",
    ),
    "hiatal hernia": (", {possibly|perhaps} containing {stomach|bowel}",),
    "scoliosis": (", {possibly|perhaps} positional",),
}

# Normal sentences: (place in the report, topic, what must be absent, wordings). One sentence per topic at most.
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

# How the collection tags a finding; the others keep their name.
MESH = {
    "tortuous aorta": "Aorta/tortuous",
    "hiatal hernia": "Hernia, Hiatal",
    "hyperinflation": "Lung/hyperdistention",
    "low lung volumes": "Lung/hypoinflation",
    "calcified granuloma": "Calcified Granuloma/lung",
    "airspace opacity": "Opacity/lung",
    "atelectasis": "Pulmonary Atelectasis",
    "nodule": "Nodule/lung",
    "scoliosis": "Scoliosis/thoracic vertebrae",
    "pacemaker": "Implanted Medical Device",
    "central line": "Catheters, Indwelling",
    "sternotomy wires": "Surgical Instruments/sternum",
}
