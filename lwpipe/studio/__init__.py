"""A page in the browser to edit a face by parts: faces, dials, handles, measurements, exports."""
