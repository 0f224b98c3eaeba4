"""Source 'aflw2000-3d': faces of AFLW2000-3D on the Basel Face Model."""
