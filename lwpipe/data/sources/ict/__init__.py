"""Source 'ict': faces of ICT-FaceKit Light."""
