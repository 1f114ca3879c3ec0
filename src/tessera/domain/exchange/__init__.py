"""Dataset versions in the formats of others and back: EUCAIM folder, OMOP CDM, FHIR, flat."""
