"""The language server: what the compiler knows about policy files, told to an editor while they are typed.

`server.py` speaks the protocol (pygls) and answers from a `project.py`: a folder of policy files with the editor's
unsaved buffers over it. What stands at a place is read off the grammar (`grammar.py`), names and where they are
mentioned are in `index.py`; completion, hover and renaming have a file each. A file that does not parse is mended at
the cursor first (`cursor.py`). Lines and columns count from 1 and in characters, as in the engine; only
`positions.py` knows how the protocol counts.
"""
