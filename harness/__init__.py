"""What starts servers and fills them, for tests and benchmarks.

A package of its own, since both use it and benchmarks must not depend on the tests.
"""
