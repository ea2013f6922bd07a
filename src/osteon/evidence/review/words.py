"""The words of a review's report in English and Spanish: one table, so that a missing translation is a missing row."""

from __future__ import annotations

from collections.abc import Mapping

from osteon.errors import DataError, message

LANGUAGES = ("en", "es")
# English, Spanish
PHRASES: Mapping[str, tuple[str, str]] = {
    "left": ("Identification of studies via databases and registers", "Identificación de estudios en bases de datos y registros"),
    "right": ("Identification of studies via other methods", "Identificación de estudios por otros métodos"),
    "identified": ("Records identified", "Registros identificados"), "duplicates": ("Duplicate records removed", "Registros duplicados eliminados"),
    "screened": ("Records screened", "Registros cribados"), "excluded": ("Records excluded", "Registros excluidos"), "undecided": ("Not decided yet", "Aún sin decidir"),
    "sought": ("Reports sought for retrieval", "Informes buscados"), "not_retrieved": ("Reports not retrieved", "Informes no recuperados"), "assessed": ("Reports assessed for eligibility", "Informes evaluados para elegibilidad"),
    "reports_excluded": ("Reports excluded", "Informes excluidos"), "included": ("Studies included in review", "Estudios incluidos en la revisión"), "reports": ("Reports of included studies", "Informes de los estudios incluidos"),
    "pooled": ("Studies with a two-by-two table", "Estudios con tabla de dos por dos"), "earlier": ("Reports of the previous version", "Informes de la versión anterior"),
    "unreadable": ("records could not be read", "registros no se pudieron leer"), "no_reason": ("no reason given", "sin motivo indicado"),
    "low": ("Low", "Bajo"), "high": ("High", "Alto"), "unclear": ("Unclear", "Dudoso"), "bias": ("Risk of bias", "Riesgo de sesgo"), "applicability": ("Applicability concern", "Duda de aplicabilidad"), "overall": ("Overall", "Global"),
    "share": ("Share of studies (%)", "Porcentaje de estudios (%)"), "study": ("Study", "Estudio"), "studies": ("Studies", "Estudios"), "question": ("Question", "Pregunta"), "population": ("Population", "Población"),
    "index": ("Index test", "Prueba índice"), "reference": ("Reference standard", "Prueba de referencia"), "diagnosis": ("Target condition", "Condición diana"), "criteria": ("Criteria", "Criterios"),
    "include_if": ("Included", "Se incluye"), "exclude_if": ("Excluded", "Se excluye"), "sources": ("Sources and searches", "Fuentes y búsquedas"), "source": ("Source", "Fuente"), "searched": ("Date", "Fecha"),
    "search": ("Search string", "Estrategia"), "records": ("Records", "Registros"), "methods": ("Question and methods", "Pregunta y métodos"), "flow": ("Flow of studies", "Flujo de estudios"),
    "selection": ("Selection and agreement", "Selección y concordancia"), "characteristics": ("Characteristics of the studies", "Características de los estudios"), "frequencies": ("Methods, modalities, anatomy and outcomes", "Métodos, modalidades, anatomía y resultados"),
    "map": ("Evidence map", "Mapa de evidencia"), "quality": ("Risk of bias and applicability", "Riesgo de sesgo y aplicabilidad"), "synthesis": ("Meta-analysis", "Metaanálisis"), "checklist": ("PRISMA-DTA checklist", "Lista PRISMA-DTA"),
    "record": ("Record", "Registro"), "areas": ("Areas", "Áreas"), "method": ("Method", "Método"), "modality": ("Modality", "Modalidad"), "anatomy": ("Anatomy", "Anatomía"), "outcome": ("Outcome", "Resultado"),
    "author_terms": ("In the authors' words", "En palabras de los autores"), "table": ("Two-by-two table", "Tabla de dos por dos"), "read": ("as extracted", "según lo extraído"), "implied": ("implied by the printed figures", "deducida de las cifras publicadas"),
    "several": ("several tables fit", "varias tablas encajan"), "none": ("the report contradicts itself", "el informe se contradice"), "unknown": ("not identifiable", "no identificable"), "of": ("of", "de"),
    "item": ("Item", "Ítem"), "topic": ("Topic", "Tema"), "where": ("Where", "Dónde"), "authors": ("for the authors", "a cargo de los autores"), "agreement": ("Agreement", "Concordancia"), "reviewers": ("Reviewers", "Revisores"),
    "both": ("seen by both", "vistos por ambos"), "only": ("seen by one", "vistos por uno"), "stage": ("Stage", "Fase"), "title_stage": ("title and abstract", "título y resumen"), "fulltext_stage": ("full text", "texto completo"),
    "asked": ("What was asked", "Qué se preguntó"), "found": ("What was found", "Qué se encontró"), "sure": ("How sure", "Con qué seguridad"), "unshown": ("What it does not show", "Qué no muestra"), "contents": ("Contents", "Contenido"),
    "no_appraisal": ("No study was appraised yet.", "Aún no se ha evaluado ningún estudio."), "no_pool": ("Not pooled", "Sin metaanálisis"), "sensitivity": ("Sensitivity", "Sensibilidad"), "specificity": ("Specificity", "Especificidad"),
    "rule": ("Rule", "Regla"), "not_stated": ("not stated", "no consta"), "notes": ("Notes", "Notas"), "in_progress": ("The review is in progress: some records wait for a decision.", "La revisión está en curso: hay registros sin decidir."),
    "kappa": ("Kappa", "Kappa"), "mapped_note": ("A study counts once in each word that it has; the denominator is the number of studies with an extracted row.", "Un estudio cuenta una vez por cada palabra; el denominador es el número de estudios con datos extraídos."),
    "forest": ("Sensitivity and specificity of each study", "Sensibilidad y especificidad de cada estudio"), "sroc": ("Summary ROC", "Curva ROC resumen"), "rule_note": ("Areas by reviewers and by the rule on title and abstract", "Áreas según revisores y según la regla sobre título y resumen"),
    "reason": ("Reason", "Motivo"), "n": ("n", "n"), "conflicts": ("Conflicts settled", "Conflictos resueltos"), "links": ("Preprints linked with their papers", "Preprints enlazados con sus artículos")}


def speak(language: str) -> Mapping[str, str]:
    """Every phrase in a language; raises DataError for one that is not there."""
    if language not in LANGUAGES:
        raise DataError(message("--language", f"there is no language {language!r}", expected=", ".join(LANGUAGES)))
    return {name: pair[LANGUAGES.index(language)] for name, pair in PHRASES.items()}


def spoken_number(value: float, language: str, digits: int = 0) -> str:
    """A number as the language writes it: 1,234.5 or 1.234,5."""
    text = f"{value:,.{digits}f}"
    return text if language == "en" else text.translate(str.maketrans(",.", ".,"))
