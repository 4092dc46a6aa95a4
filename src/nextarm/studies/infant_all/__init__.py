"""The bundled, worked study: infants with acute lymphoblastic leukaemia. One file a section of its report."""
