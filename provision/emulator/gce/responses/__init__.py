"""What each method answers: ``compute.KIND.METHOD`` is function ``method`` of module ``kind``."""
