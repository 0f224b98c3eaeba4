// Load a GLB by three.js, and print the vertices at each blend shape in full.
import { readFileSync } from "node:fs";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";

const bytes = new Uint8Array(readFileSync(process.argv[2]));
const { scene } = await new GLTFLoader().parseAsync(bytes.buffer, "");
let mesh = null;
scene.traverse((thing) => { if (thing.isMesh) mesh = thing; });
const base = mesh.geometry.getAttribute("position").array;
const moved = mesh.geometry.morphAttributes.position;
const shapes = Object.entries(mesh.morphTargetDictionary).map(([name, place]) => [
  name, Array.from(moved[place].array, (value, i) => value + base[i]),
]);
console.log(JSON.stringify({
  name: mesh.name, base: Array.from(base), shapes, relative: mesh.geometry.morphTargetsRelative,
}));
