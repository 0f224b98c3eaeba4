"""Source 'meshes': the user's own registered meshes."""
