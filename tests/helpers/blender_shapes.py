"""Run within Blender: import a glTF file and write its shape keys as JSON."""

import json
import sys

import bpy
import numpy as np

# Debian's importer of glTF uses a name that Debian's NumPy has no more.
np.bool = bool

source, output = sys.argv[sys.argv.index("--") + 1 :]
for thing in list(bpy.data.objects):
    bpy.data.objects.remove(thing)
bpy.ops.import_scene.gltf(filepath=source)
(thing,) = (each for each in bpy.data.objects if each.type == "MESH")
keys = thing.data.shape_keys
place = thing.matrix_world
shown = {
    "name": thing.name,
    "vertices": [list(place @ v.co) for v in thing.data.vertices],
    "polygons": [list(each.vertices) for each in thing.data.polygons],
    "keys": {
        key.name: [list(place @ v.co) for v in key.data]
        for key in (keys.key_blocks if keys else [])
    },
}
with open(output, "w", encoding="utf-8") as file:
    json.dump(shown, file)
