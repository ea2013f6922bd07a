"""The words of simulated notes: frames for each genre and assertion, one a family of authors, and what surrounds them.

{f} is a finding, {s} the side, {y} a year, {k} a relative. The frames of a family occur in no other, so that a model that is tested on
families it has not learned from must have learned how assertions are made and not which sentences are.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

GENRES = ("operative", "radiology", "telephone")  # in the order of a patient's course
ASSERTIONS = ("present", "negated", "uncertain", "historical", "hypothetical", "family")
FAMILIES = 8
FINDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "dislocation": ("dislocation", "prosthetic dislocation", "dislocation of the hip", "hip dislocation"),
    "fracture": ("fracture", "periprosthetic fracture", "fracture of the femur", "femoral fracture"),
    "infection": ("infection", "deep infection", "infection of the joint", "prosthetic infection"),
    "loosening": ("loosening", "component loosening", "loosening of the stem", "aseptic loosening"),
    "haematoma": ("haematoma", "deep haematoma", "haematoma of the thigh", "postoperative haematoma"),
    "ossification": ("ossification", "heterotopic ossification", "ossification of the soft tissues", "ectopic ossification")})
# ICD-10-CM, without the character that tells the encounter where there is one
CODES: Mapping[str, str] = MappingProxyType({"dislocation": "T84.02", "fracture": "M97.0", "infection": "T84.5", "loosening": "T84.03", "haematoma": "M96.84", "ossification": "M61.5"})
IMPLANT = "Z96.64"

FRAMES: Mapping[tuple[str, str], tuple[str, ...]] = MappingProxyType({
    ("radiology", "present"): (
        "There is {f} on the {s}.", "Acute {f} is demonstrated.", "Findings are diagnostic of {f}.", "The films show {f} at the {s} hip.",
        "Interval development of {f}.", "New {f} since the last examination.", "Appearances confirm {f}.", "Definite {f}, {s} hip."),
    ("radiology", "negated"): (
        "There is no {f} on the {s}.", "No evidence of {f}.", "The study is negative for {f}.", "The films are without {f}.",
        "{f} is not seen.", "No radiographic sign of {f}.", "Absence of {f} is noted.", "{f} has been excluded."),
    ("radiology", "uncertain"): (
        "There may be {f} on the {s}.", "Possible {f}; clinical correlation is advised.", "Findings are suspicious for {f}.", "{f} cannot be excluded on these films.",
        "Questionable {f}.", "Equivocal for {f}.", "{f} is a consideration.", "Findings raise the question of {f}."),
    ("radiology", "historical"): (
        "History of {f} in {y}.", "Previous {f} has been treated, {y}.", "Old {f}, resolved.", "Known prior {f} from {y}, since resolved.",
        "Remote {f} is recorded for {y}.", "Past {f}, fully treated.", "Earlier films of {y} had shown {f}.", "Status post treatment of {f} in {y}."),
    ("radiology", "hypothetical"): (
        "If there is concern for {f}, CT is suggested.", "Should symptoms of {f} arise, repeat films.", "Protocol for surveillance of {f} was followed.", "Please return the patient in case of {f}.",
        "To be repeated should {f} be suspected.", "Baseline for later comparison in the event of {f}.", "Further imaging would be needed for {f}.", "Request: rule out {f}."),
    ("radiology", "family"): (
        "Clinical information: {k} had {f}.", "{k} of the patient with {f}, per request form.", "Request mentions {f} in the {k}.", "Family history of {f} ({k}) is given.",
        "The {k} is reported to have had {f}.", "According to the form the {k} suffered {f}.", "Referral notes {f} on the part of the {k}.", "Form: {k} treated for {f}."),
    ("operative", "present"): (
        "On exposure there was {f}.", "Frank {f} was encountered.", "Inspection confirmed {f} of the {s} side.", "We found {f} at surgery.",
        "{f} was evident once the capsule was opened.", "Operative diagnosis: {f}.", "{f} was identified and addressed.", "Indication today: established {f}."),
    ("operative", "negated"): (
        "On exposure there was no {f}.", "No {f} was encountered.", "Inspection did not show {f}.", "We found nothing to suggest {f}.",
        "{f} was not evident.", "The hip was free of {f}.", "{f} was ruled out before closure.", "Trial range of motion without {f}."),
    ("operative", "uncertain"): (
        "There was possibly {f}.", "Tissue was sent because {f} was suspected.", "It remained unclear whether there was {f}.", "{f} could not be confirmed at surgery.",
        "Appearances were doubtful for {f}.", "We considered {f} but could not prove it.", "{f} is in the differential.", "Questionable {f} on table films."),
    ("operative", "historical"): (
        "The patient has a history of {f} in {y}.", "Previous {f} was treated in {y}.", "He or she recovered from {f} in {y}.", "Known for {f} years ago, healed.",
        "Status post {f}, {y}.", "Prior to {y} there had been {f}, since resolved.", "Past history: {f}.", "Old notes of {y} describe {f}, settled since."),
    ("operative", "hypothetical"): (
        "Risks including {f} were discussed.", "Consent covers {f}.", "Prophylaxis against {f} was given.", "The family was told to call in case of {f}.",
        "Precautions to prevent {f} were ordered.", "Should {f} occur, revision would be considered.", "{f} was explained as a risk.", "Plan: return if {f} develops."),
    ("operative", "family"): (
        "The {k} had {f} after a similar operation.", "Family history: {f} in the {k}.", "{f} complicated the {k}'s own surgery.", "Of note the {k} suffered {f}.",
        "The patient fears {f} as seen in the {k}.", "{k} known for {f}.", "There is {f} in the family ({k}).", "A {k} was treated for {f}."),
    ("telephone", "present"): (
        "Was told in the emergency room that there is {f}.", "Has {f} now, seen yesterday.", "Calls because of {f}.", "Diagnosed with {f} this week.",
        "Reports {f}, confirmed by the local hospital.", "Is being treated for {f}.", "Says the doctor found {f}.", "Currently admitted with {f}."),
    ("telephone", "negated"): (
        "Was told in the emergency room that there is no {f}.", "Denies {f}.", "Has not had {f}.", "Doing well without {f}.",
        "Reports no {f}.", "Never had {f}.", "Says the doctor found no {f}.", "Nothing to suggest {f}."),
    ("telephone", "uncertain"): (
        "Thinks there might be {f}.", "Is worried about possible {f}, not yet seen.", "Not sure whether it is {f}.", "Wonders if this could be {f}.",
        "Symptoms suspicious for {f}, not confirmed.", "Was told {f} could not be excluded.", "Unclear whether there is {f}.", "Maybe {f}, awaiting films."),
    ("telephone", "historical"): (
        "Had {f} in {y}, resolved.", "Mentions {f} back in {y}.", "Recovered from {f} years ago.", "{f} in {y} was treated elsewhere.",
        "Old {f}, no longer a problem.", "History of {f}, {y}.", "There was {f} once, in {y}.", "Past {f}, none since."),
    ("telephone", "hypothetical"): (
        "Asked what to do in case of {f}.", "Told to call if there is {f}.", "Reminded how to avoid {f}.", "Knows the signs of {f} and will call.",
        "Advice on the risk of {f} given.", "Should {f} occur, go to the emergency room.", "Would like to know how {f} is prevented.", "Precautions for {f} repeated."),
    ("telephone", "family"): (
        "The {k} has had {f}.", "Says the {k} was treated for {f}.", "{k} with {f} after hip surgery.", "Told of {f} in the {k}.",
        "Asks because the {k} suffered {f}.", "In the family: {k} with {f}.", "Is anxious since the {k} had {f}.", "{k} known for {f}."),
})

# heading of the note, heading of the findings, heading of the end; by genre, taken in turn by the families
HEADINGS: Mapping[str, tuple[tuple[str, str, str], ...]] = MappingProxyType({
    "radiology": (("EXAM: {s} hip, two views.", "FINDINGS:", "IMPRESSION: as above."), ("Radiographs of the {s} hip, AP and lateral.", "Report", "Conclusion: see report."),
                  ("HIP {s}, 2 VIEWS", "FINDINGS:", "END OF REPORT"), ("Examination of the {s} hip in two planes.", "Result:", "Signed electronically.")),
    "operative": (("OPERATIVE NOTE, {s} hip.", "DESCRIPTION:", "Closure in layers. Counts correct."), ("Procedure on the {s} hip prosthesis.", "Procedure in detail:", "To recovery in stable condition."),
                  ("Op report. Side: {s}.", "Course:", "Postoperative plan as per protocol."), ("SURGERY {s} HIP", "Findings and procedure:", "Sterile dressing applied.")),
    "telephone": (("Phone call, {s} hip replacement.", "Patient states:", "Will follow up as planned."), ("Telephone follow-up ({s} hip).", "Notes:", "Call ended."),
                  ("Called patient re {s} hip.", "Summary:", "Next contact in six weeks."), ("Outreach call. Side: {s}.", "Content:", "No further questions."))})

FILLERS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "radiology": ("Cup inclination measures {n} degrees.", "The stem is in neutral position.", "Soft tissues are unremarkable.", "Degenerative change of the lumbar spine.",
                  "Vascular calcification is present.", "The opposite hip shows moderate arthritis.", "Comparison is made with films of {y}.", "Leg lengths differ by {m} mm.",
                  "Surgical clips project over the pelvis.", "Bowel gas obscures the sacrum."),
    "operative": ("A posterolateral approach was used.", "The cup was reamed to {n} mm.", "Blood loss was {n}0 ml.", "A trial head of 32 mm was chosen.",
                  "Leg lengths were checked and equal within {m} mm.", "Antibiotics were given before incision.", "The patient was placed in lateral position.",
                  "The short external rotators were repaired.", "Wear of the liner was measured at {m} mm.", "Spinal anaesthesia was used."),
    "telephone": ("Walks with a cane.", "Pain is {m} out of 10.", "Takes paracetamol at night.", "Back to gardening.", "Sleeps well.", "Has therapy twice a week.",
                  "Climbs stairs one at a time.", "Wants to drive again.", "Scar is dry.", "Sits for {n} minutes without pain."),
})
COPIED = ("--- copied forward from the note of day {d} ---", "[From previous note, day {d}]", "Prior note (day {d}), carried over:", "<<copied, day {d}>>")
COPY_END = ("--- end of copy ---", "[end of previous note]", "End of prior note.", "<<end>>")
RELATIVES = ("mother", "father", "sister", "brother", "aunt", "cousin", "uncle", "grandmother")
SHORTER: Mapping[str, str] = MappingProxyType({
    "status post": "s/p", "istory of": "/o", "without": "w/o", "patient": "pt", "evidence of": "e/o", "follow-up": "f/u", "fracture": "fx", "dislocation": "disloc",
    "emergency room": "ER", "right": "R", "left": "L", "rule out": "r/o", "infection": "infxn", "degrees": "deg"})
