// Show faces that are given as a base, displacements of it and sliders.
"use strict";

const lwpipeViewer = (() => {
  const CLAY = [0.72, 0.6, 0.52];
  const VIEWS = { front: [0, 0], "three-quarter": [35, 8], side: [90, 0] };

  async function inflate(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  // Sums of differences modulo 2^16 or 2^32, whose low and high bytes lie apart.
  function numbers(bytes, { start, count, width }) {
    const out = width === 2 ? new Uint16Array(count) : new Uint32Array(count);
    let sum = 0;
    for (let i = 0; i < count; i++) {
      let value = 0;
      for (let plane = width - 1; plane >= 0; plane--) {
        value = value * 256 + bytes[start + plane * count + i];
      }
      sum = (sum + value) % (width === 2 ? 65536 : 4294967296);
      out[i] = sum;
    }
    return out;
  }

  // Coordinates come as all x, then all y, then all z, in shares of a range.
  function coordinates(bytes, entry) {
    const whole = numbers(bytes, entry), count = entry.count / 3;
    const out = new Float32Array(entry.count);
    for (let axis = 0; axis < 3; axis++) {
      const step = (entry.high[axis] - entry.low[axis]) / 65535;
      for (let i = 0; i < count; i++) {
        out[3 * i + axis] = entry.low[axis] + step * whole[axis * count + i];
      }
    }
    return out;
  }

  async function unpack(text) {
    const bytes = await inflate(text);
    const size = new DataView(bytes.buffer).getUint32(0, true);
    const scene = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
    const data = bytes.subarray(4 + size);
    scene.base = coordinates(data, scene.base);
    scene.triangles = numbers(data, scene.triangles);
    scene.supports = scene.supports.map((entry) => numbers(data, entry));
    const shares = (entry) => Float32Array.from(numbers(data, entry), (v) => v / 65535);
    scene.shapes = scene.shapes.map((entry) => ({
      rows: scene.supports[entry.support], moved: coordinates(data, entry),
      skin: entry.skin && { rows: numbers(data, entry.skin.rows), light: entry.skin.light.map(shares) },
    }));
    scene.weights = scene.weights.map(shares);
    scene.maps = scene.maps.map(shares);
    if (scene.skin) scene.skin = scene.skin.map(shares);
    return scene;
  }

  // How strong each shape is where a slider stands between two of its stops.
  function strengths(sliders, values, count) {
    const found = new Float64Array(count);
    sliders.forEach(({ stops }, s) => {
      const value = values[s];
      for (let i = 0; i + 1 < stops.length; i++) {
        const [[a, from], [b, to]] = [stops[i], stops[i + 1]];
        if (value < a || value > b) continue;
        const share = (value - a) / (b - a);
        if (from >= 0) found[from] = 1 - share;
        if (to >= 0) found[to] = share;
        break;
      }
    });
    return found;
  }

  // The colours of the face where its sliders stand: as its shapes, those of their skins add up.
  function skinned({ skin, shapes, sliders }, values) {
    const shown = skin.map((channel) => channel.slice());
    strengths(sliders, values, shapes.length).forEach((strength, s) => {
      if (strength === 0 || !shapes[s].skin) return;
      const { rows, light } = shapes[s].skin;
      shown.forEach((channel, axis) => rows.forEach((row, i) => {
        channel[row] += strength * (light[axis][i] - skin[axis][row]);
      }));
    });
    return shown.map((channel) => channel.map((v) => Math.min(Math.max(v, 0), 1)));
  }

  function heat(value) {
    // From clay over orange to a deep red.
    const stops = [CLAY, [0.99, 0.75, 0.35], [0.86, 0.26, 0.15], [0.45, 0.02, 0.15]];
    const place = Math.min(Math.max(value, 0), 1) * (stops.length - 1);
    const i = Math.min(Math.floor(place), stops.length - 2), share = place - i;
    return stops[i].map((v, axis) => v + share * (stops[i + 1][axis] - v));
  }

  function element(parent, tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    parent.append(made);
    return made;
  }

  class Stage {
    constructor(box, scene, alone) {
      this.scene = scene;
      this.alone = alone;
      this.renderer = new THREE.WebGLRenderer({
        alpha: true, antialias: true, preserveDrawingBuffer: true,
      });
      this.renderer.outputEncoding = THREE.sRGBEncoding;
      this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2));
      box.append(this.renderer.domElement);
      this.world = new THREE.Scene();
      this.camera = new THREE.PerspectiveCamera(24, 1, 1, 1e5);
      this.world.add(this.camera);
      this.light();
      this.mesh = this.build();
      this.world.add(this.mesh);
      this.angles = [0, 0];
      this.shift = [0, 0];
      this.zoom = 1;
      this.orbit(this.renderer.domElement);
      new ResizeObserver(() => this.resize(box)).observe(box);
      this.resize(box);
    }

    light() {
      this.world.add(new THREE.HemisphereLight(0xffffff, 0xb8a898, 0.55));
      // Lights move with the eye: a face looks lit as well from the side.
      for (const [place, color, strength] of [
        [[-0.7, 0.9, 0.9], 0xfff2e2, 0.62], [[1.1, 0.1, 0.8], 0xdce8ff, 0.26],
        [[0.2, 0.9, -1.2], 0xffffff, 0.35],
      ]) {
        const lamp = new THREE.DirectionalLight(color, strength);
        lamp.position.set(...place);
        this.camera.add(lamp, lamp.target);
      }
    }

    build() {
      const { base, triangles } = this.scene;
      const geometry = new THREE.BufferGeometry();
      geometry.setAttribute("position", new THREE.BufferAttribute(base.slice(), 3));
      geometry.setAttribute("color", new THREE.BufferAttribute(new Float32Array(base.length), 3));
      geometry.setIndex(new THREE.BufferAttribute(triangles, 1));
      geometry.computeVertexNormals();
      geometry.computeBoundingSphere();
      this.centre = geometry.boundingSphere.center.clone();
      this.radius = geometry.boundingSphere.radius;
      const material = new THREE.MeshStandardMaterial({
        vertexColors: true, roughness: 0.62, metalness: 0, side: THREE.DoubleSide,
      });
      return new THREE.Mesh(geometry, material);
    }

    resize(box) {
      const width = box.clientWidth || 1, height = box.clientHeight || 1;
      this.renderer.setSize(width, height);
      this.camera.aspect = width / height;
      this.camera.updateProjectionMatrix();
      this.draw();
    }

    draw() {
      const [turn, lift] = this.angles.map((degrees) => (degrees * Math.PI) / 180);
      const half = (this.camera.fov * Math.PI) / 360;
      const narrow = Math.min(1, this.camera.aspect);
      const far = (this.radius * 1.14) / Math.sin(half) / narrow / this.zoom;
      const eye = new THREE.Vector3(
        Math.sin(turn) * Math.cos(lift), Math.sin(lift), Math.cos(turn) * Math.cos(lift));
      const right = new THREE.Vector3(Math.cos(turn), 0, -Math.sin(turn));
      const target = this.centre.clone().addScaledVector(right, this.shift[0]);
      // A little lower: buttons lie over the lower edge.
      target.y += this.shift[1] - 0.1 * this.radius;
      this.camera.position.copy(target).addScaledVector(eye, far);
      this.camera.lookAt(target);
      this.renderer.render(this.world, this.camera);
    }

    view(angles) {
      [this.angles, this.shift, this.zoom] = [[...angles], [0, 0], 1];
      this.draw();
    }

    orbit(canvas) {
      const held = new Map();
      const apart = () => {
        const [a, b] = [...held.values()];
        return Math.hypot(a.x - b.x, a.y - b.y);
      };
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", "A face in 3D: drag to turn it");
      // Within a longer page a finger that moves up and down, and a wheel before the face was
      // touched, scroll the page.
      canvas.style.touchAction = this.alone ? "none" : "pan-y";
      let active = this.alone;
      canvas.addEventListener("pointerleave", () => { active = this.alone; });
      canvas.addEventListener("pointerdown", (event) => {
        active = true;
        canvas.setPointerCapture(event.pointerId);
        held.set(event.pointerId, { x: event.clientX, y: event.clientY });
      });
      canvas.addEventListener("pointermove", (event) => {
        const last = held.get(event.pointerId);
        if (!last) return;
        const before = held.size === 2 ? apart() : 0;
        const [x, y] = [event.clientX - last.x, event.clientY - last.y];
        held.set(event.pointerId, { x: event.clientX, y: event.clientY });
        if (held.size === 2) this.zoom *= apart() / Math.max(before, 1);
        else if (event.buttons & 2 || event.shiftKey) {
          const unit = (2 * this.radius) / canvas.clientHeight / this.zoom;
          this.shift = [this.shift[0] - x * unit, this.shift[1] + y * unit];
        } else {
          this.angles[0] -= 0.4 * x;
          this.angles[1] = Math.min(85, Math.max(-85, this.angles[1] + 0.4 * y));
        }
        this.clamp();
      });
      for (const name of ["pointerup", "pointercancel"]) {
        canvas.addEventListener(name, (event) => held.delete(event.pointerId));
      }
      canvas.addEventListener("contextmenu", (event) => event.preventDefault());
      canvas.addEventListener("wheel", (event) => {
        if (!active) return;
        event.preventDefault();
        this.zoom *= Math.exp(-0.001 * event.deltaY);
        this.clamp();
      }, { passive: false });
    }

    clamp() {
      this.zoom = Math.min(12, Math.max(0.4, this.zoom));
      this.draw();
    }

    shape(values) {
      const { base, shapes, sliders } = this.scene;
      const position = this.mesh.geometry.getAttribute("position");
      position.array.set(base);
      strengths(sliders, values, shapes.length).forEach((strength, s) => {
        if (strength === 0) return;
        const { rows, moved } = shapes[s];
        for (let i = 0; i < rows.length; i++) {
          for (let axis = 0; axis < 3; axis++) {
            position.array[3 * rows[i] + axis] += strength * moved[3 * i + axis];
          }
        }
      });
      position.needsUpdate = true;
      this.mesh.geometry.computeVertexNormals();
    }

    paint(color) {
      const attribute = this.mesh.geometry.getAttribute("color");
      for (let i = 0; i < attribute.count; i++) {
        // Colours are meant as they look: the renderer computes in linear light.
        color(i).forEach((v, axis) => { attribute.array[3 * i + axis] = v ** 2.2; });
      }
      attribute.needsUpdate = true;
    }
  }

  class Viewer {
    constructor(box, scene, alone) {
      this.scene = scene;
      box.classList.add("lw-viewer");
      const picture = element(box, "div", { className: "lw-picture" });
      this.bar = element(picture, "div", { className: "lw-bar" });
      this.stage = new Stage(picture, scene, alone);
      this.values = scene.sliders.map(() => 0);
      this.colors = scene.painted ? "parts" : "clay";
      this.hovered = -1;
      this.buttons();
      this.panel = element(box, "div", { className: "lw-panel" });
      this.panel.hidden = !scene.sliders.length;
      this.inputs = [];
      this.states();
      this.sliders();
      if (scene.states.length) this.enter(scene.states.length - 1);
      else this.update();
    }

    buttons() {
      const group = (label) => {
        const made = element(this.bar, "div", { className: "lw-group" });
        made.setAttribute("role", "group");
        made.setAttribute("aria-label", label);
        return made;
      };
      const button = (parent, text, action) =>
        element(parent, "button", { type: "button", textContent: text, onclick: action });
      const views = group("View");
      for (const [name, angles] of Object.entries(VIEWS)) {
        button(views, name, () => this.stage.view(angles));
      }
      const look = group("Look");
      const pressed = (one, on) => one.setAttribute("aria-pressed", String(on));
      if (this.scene.weights.length > 1) {
        const weights = button(look, "local weights", () => {
          this.colors = this.colors === "parts" ? "clay" : "parts";
          pressed(weights, this.colors === "parts");
          this.update();
        });
        pressed(weights, this.colors === "parts");
      }
      const wires = button(look, "wireframe", () => {
        const material = this.stage.mesh.material;
        material.wireframe = !material.wireframe;
        pressed(wires, material.wireframe);
        this.stage.draw();
      });
      pressed(wires, false);
      if (this.scene.sliders.length && !this.scene.states.length) {
        const all = group("Sliders");
        button(all, "reset", () => this.set(() => 0));
        button(all, "random", () => this.set(({ stops }) => {
          const [low, high] = [stops[0][0], stops[stops.length - 1][0]];
          // In the middle more often than at the ends.
          return low + ((high - low) * (Math.random() + Math.random())) / 2;
        }));
      }
    }

    states() {
      if (!this.scene.states.length) return;
      const row = element(this.panel, "div", { className: "lw-states" });
      this.choices = this.scene.states.map((state, i) =>
        element(row, "button", {
          type: "button", textContent: state.name, onclick: () => this.enter(i),
        }));
      this.note = element(this.panel, "p", { className: "lw-note" });
    }

    enter(chosen) {
      const state = this.scene.states[chosen];
      this.choices.forEach((one, i) => one.setAttribute("aria-pressed", String(i === chosen)));
      this.values = [...state.values];
      this.map = state.map;
      this.note.textContent = state.note;
      this.update();
    }

    sliders() {
      if (this.scene.states.length) return;
      let card = null, part = -1;
      this.scene.sliders.forEach((slider, s) => {
        if (slider.part !== part || card === null) {
          part = slider.part;
          card = this.card(part);
        }
        const [low, high] = [slider.stops[0][0], slider.stops[slider.stops.length - 1][0]];
        const row = element(card, "label", { className: "lw-slider" });
        element(row, "span", { textContent: slider.label });
        const input = element(row, "input", {
          type: "range", min: low, max: high, step: (high - low) / 200, value: 0,
        });
        input.setAttribute("aria-label", `${this.scene.parts[part].name}: ${slider.label}`);
        const shown = element(row, "output");
        input.oninput = () => {
          this.values[s] = input.valueAsNumber;
          this.update();
        };
        this.inputs.push([input, shown, slider.unit]);
      });
    }

    card(part) {
      const { name, color } = this.scene.parts[part];
      const card = element(this.panel, "fieldset", { className: "lw-card" });
      const legend = element(card, "legend");
      element(legend, "span", { className: "lw-dot" }).style.background = color;
      legend.append(name);
      card.onpointerenter = () => this.hover(part);
      card.onpointerleave = () => this.hover(-1);
      return card;
    }

    hover(part) {
      this.hovered = part;
      this.update();
    }

    set(value) {
      this.values = this.scene.sliders.map(value);
      this.inputs.forEach(([input], s) => { input.value = this.values[s]; });
      this.update();
    }

    update() {
      this.inputs.forEach(([input, shown, unit], s) => {
        shown.textContent = unit === "%"
          ? `${Math.round(100 * this.values[s])} %`
          : `${this.values[s] > 0 ? "+" : ""}${this.values[s].toFixed(1)} ${unit}`;
      });
      this.stage.shape(this.values);
      this.stage.paint(this.color());
      this.stage.draw();
    }

    color() {
      const { weights, parts, maps } = this.scene;
      if (this.map >= 0 && this.colors === "clay") return (i) => heat(maps[this.map][i]);
      if (this.hovered >= 0 && weights.length > 1) {
        return (i) => heat(0.75 * weights[this.hovered][i]);
      }
      if (this.colors === "clay" && this.scene.skin) {
        const skin = skinned(this.scene, this.values);
        return (i) => skin.map((channel) => channel[i]);
      }
      if (this.colors === "clay") return () => CLAY;
      const palette = parts.map(({ color }) =>
        [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255));
      return (i) => [0, 1, 2].map((axis) =>
        weights.reduce((sum, column, k) => sum + column[i] * palette[k][axis], 0));
    }
  }

  // three.js (MIT licence) comes compressed too, and is loaded once a page.
  async function load(three) {
    if (!window.THREE) {
      const code = new TextDecoder().decode(await inflate(three));
      element(document.head, "script", { textContent: code });
    }
  }

  async function open(box, text, three, alone = true) {
    await load(three);
    return new Viewer(box, await unpack(text), alone);
  }

  // Open the viewers of a page when they come into sight; where that fails, they stay away.
  function embed(three) {
    const sight = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        sight.unobserve(target);
        open(target, target.dataset.scene, three, false).then(
          (viewer) => { target.viewer = viewer; },
          (error) => {
            target.closest("figure").hidden = true;
            console.warn(`The face cannot be shown: ${error.message}`);
          });
      }
    }, { rootMargin: "300px" });
    for (const box of document.querySelectorAll("[data-scene]")) {
      box.closest("figure").hidden = false;
      sight.observe(box);
    }
  }

  return { embed, open };
})();
