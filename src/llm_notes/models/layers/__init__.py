"""The parts: layers that take explicit sizes or other parts, and know no whole."""
