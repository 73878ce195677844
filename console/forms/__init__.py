"""Between a page's fields and a manifest. A draft reads what was posted, makes the manifest, and knows at which field
an error's path stands, so that the words kubectl shows appear at the field that caused them. Nothing here does I/O.
"""
