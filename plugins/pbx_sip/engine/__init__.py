"""The capture engine: a control that knows the calls, workers that keep their media, and makers of recordings."""
