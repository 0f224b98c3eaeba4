"""Run within Blender: import a face with an image and write the colours of its vertices as JSON."""

import json
import sys

import bpy
import numpy as np

# Debian's importer of glTF uses a name that Debian's NumPy has no more.
np.bool = bool

source, output = sys.argv[sys.argv.index("--") + 1 :]
for thing in list(bpy.data.objects):
    bpy.data.objects.remove(thing)
if source.endswith(".obj"):
    # The axes as they are in the file.
    bpy.ops.wm.obj_import(filepath=source, forward_axis="Y", up_axis="Z")
else:
    bpy.ops.import_scene.gltf(filepath=source)
(thing,) = (each for each in bpy.data.objects if each.type == "MESH")
mesh, place = thing.data, thing.matrix_world

# What the surface shows: the image behind the base colour of the only material.
(material,) = mesh.materials
shader = next(each for each in material.node_tree.nodes if each.type == "BSDF_PRINCIPLED")
(link,) = shader.inputs["Base Color"].links
image = link.from_node.image
width, height = image.size
pixels = np.array(image.pixels[:], np.float64).reshape(height, width, image.channels)[..., :3]

# Rows of pixels go upwards in Blender, as v does.
uv = np.array([each.uv for each in mesh.uv_layers.active.data], np.float64)
x, y = uv[:, 0] * width - 0.5, uv[:, 1] * height - 0.5
left, low = np.floor(x).astype(int), np.floor(y).astype(int)
shown = np.zeros((len(uv), 3))
for across in (0, 1):
    for up in (0, 1):
        share = (1 - np.abs(x - left - across)) * (1 - np.abs(y - low - up))
        columns, rows = np.clip(left + across, 0, width - 1), np.clip(low + up, 0, height - 1)
        shown += share[:, None] * pixels[rows, columns]
with open(output, "w", encoding="utf-8") as file:
    json.dump(
        {
            "node": link.from_node.type,
            "size": [width, height],
            "color_space": image.colorspace_settings.name,
            "vertices": [list(place @ each.co) for each in mesh.vertices],
            "corners": [each.vertex_index for each in mesh.loops],
            "colors": shown.tolist(),
        },
        file,
    )
