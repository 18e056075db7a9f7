"""The deployed functions: every module below without a leading underscore is one."""
