"""What radiologists write of findings: with ``formulas`` the table from which :mod:`mrg_helpers.phantom.grammar` builds a report.

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
