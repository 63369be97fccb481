"""The plug-in author's kit: conformance classes, fakes, tones."""
