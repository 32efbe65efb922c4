// Plays the clips of all the page's players. May be there more than once: who has begun does not begin again.
(() => {
  "use strict";
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const FLOOR = 6; // squares across
  const STEP = 5; // degrees for a key

  const LIGHTER = 0.3; // how much colours are on dark paper

  const parts = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const mixed = (rgb, grey, share) => rgb.map((part) => Math.round((1 - share) * part + share * 255 * grey));

  class Player {
    constructor(figure) {
      this.figure = figure;
      this.clip = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
      [this.canvas, this.button, this.slider, this.output, this.select] = ["canvas", "button", "input", "output", "select"]
        .map((name) => figure.querySelector(name));
      this.frame = 0;
      this.wanted = !calm.matches; // what the user wants; out of sight nothing plays
      this.visible = false;
      this.reset();
      if (this.clip.spatial) figure.dataset.spatial = "";
      this.button.addEventListener("click", () => this.play(!this.wanted));
      this.slider.addEventListener("input", () => { this.play(false); this.show(Number(this.slider.value)); });
      figure.addEventListener("keydown", (event) => this.press(event));
      this.canvas.addEventListener("pointerdown", (event) => this.drag(event));
      this.canvas.addEventListener("dblclick", () => { this.reset(); this.draw(); });
      dark.addEventListener("change", () => this.draw());
      new ResizeObserver(() => this.draw()).observe(this.canvas);
      new IntersectionObserver(([entry]) => { this.visible = entry.isIntersecting; this.run(); }).observe(this.canvas);
      this.show(0);
      this.play(this.wanted);
    }

    get playing() { return this.wanted && this.visible; }

    play(wanted) {
      this.wanted = wanted;
      this.button.textContent = wanted ? "❚❚" : "▶";
      this.button.setAttribute("aria-label", wanted ? "Pause" : "Play");
      this.run();
    }

    run() {
      if (!this.playing || this.ticking) return;
      this.ticking = true;
      let before = performance.now();
      let part = 0; // of a frame, that has passed
      const tick = (now) => {
        this.ticking = this.playing;
        if (!this.ticking) return;
        // after a time in the background it goes on where it was
        part += Math.min(now - before, 250) / 1000 * this.clip.fps * Number(this.select.value);
        before = now;
        if (part >= 1) {
          this.show((this.frame + Math.floor(part)) % this.clip.frames.length);
          part %= 1;
        }
        requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
    }

    show(frame) {
      this.frame = frame;
      this.slider.value = frame;
      this.output.textContent = `${frame} / ${this.clip.frames.length - 1}`;
      this.draw();
    }

    reset() {
      [this.yaw, this.pitch] = this.clip.view;
    }

    turn(yaw, pitch) {
      if (!this.clip.spatial) return;
      this.yaw = (this.yaw + yaw) % 360;
      this.pitch = Math.max(-90, Math.min(90, this.pitch + pitch));
      this.draw();
    }

    press(event) {
      const last = this.clip.frames.length - 1;
      const step = (by) => { this.play(false); this.show((this.frame + by + last + 1) % (last + 1)); };
      const keys = {
        " ": () => this.play(!this.wanted),
        ArrowLeft: () => step(-1), ArrowRight: () => step(1),
        Home: () => step(-this.frame), End: () => step(last - this.frame),
        0: () => { this.reset(); this.draw(); },
      };
      const turns = {
        ArrowLeft: () => this.turn(STEP, 0), ArrowRight: () => this.turn(-STEP, 0),
        ArrowUp: () => this.turn(0, -STEP), ArrowDown: () => this.turn(0, STEP),
      };
      // buttons and lists have keys of their own, the slider has all but the blank
      const own = event.target === this.canvas || (event.target === this.slider && event.key === " ");
      const action = (event.shiftKey ? turns : keys)[event.key];
      if (!own || !action || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      action();
    }

    drag(event) {
      let [x, y, moved] = [event.clientX, event.clientY, 0];
      const degrees = 180 / this.canvas.clientWidth;
      const move = (next) => {
        moved += Math.abs(next.clientX - x) + Math.abs(next.clientY - y);
        this.turn((x - next.clientX) * -degrees, (next.clientY - y) * degrees);
        [x, y] = [next.clientX, next.clientY];
      };
      const end = (last) => {
        for (const name of ["pointermove", "pointerup", "pointercancel"]) this.canvas.removeEventListener(name, name === "pointermove" ? move : end);
        if (last.type === "pointerup" && moved < 4) this.play(!this.wanted);
      };
      this.canvas.setPointerCapture(event.pointerId);
      this.canvas.addEventListener("pointermove", move);
      this.canvas.addEventListener("pointerup", end);
      this.canvas.addEventListener("pointercancel", end);
    }

    // The same as turned() of report/skeleton.py: to the right, up and toward who looks.
    turned(x, y, z) {
      const [yaw, pitch] = [this.yaw, this.pitch].map((degrees) => degrees * Math.PI / 180);
      const [across, back] = [Math.cos(yaw) * x + Math.sin(yaw) * z, Math.cos(yaw) * z - Math.sin(yaw) * x];
      return [across, Math.cos(pitch) * y - Math.sin(pitch) * back, Math.sin(pitch) * y + Math.cos(pitch) * back];
    }

    // A person's joints in a frame, null for those not seen, as they are turned.
    joints(frame, person) {
      const numbers = this.clip.frames[frame][person];
      const axes = this.clip.spatial ? 3 : 2;
      const points = [];
      for (let at = 0; numbers && at < numbers.length; at += axes) {
        points.push(numbers[at] === null ? null : this.turned(numbers[at], numbers[at + 1], axes === 3 ? numbers[at + 2] : 0));
      }
      return points;
    }

    // The box that all frames need from where they are seen, with some air; kept until they are turned.
    box() {
      const view = `${this.yaw} ${this.pitch}`;
      if (this.boxed !== view) {
        let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
        const include = (point) => {
          if (!point) return;
          [left, right] = [Math.min(left, point[0]), Math.max(right, point[0])];
          [low, high] = [Math.min(low, point[1]), Math.max(high, point[1])];
        };
        this.clip.frames.forEach((people, frame) => people.forEach((_, person) => this.joints(frame, person).forEach(include)));
        for (const corner of this.clip.floor) include(this.turned(...corner));
        const air = this.clip.margin * Math.max(right - left, high - low, 1e-6);
        this.bounds = [left - air, right + air, low - air, high + air];
        this.boxed = view;
      }
      return this.bounds;
    }

    // From turned points to the canvas, in CSS pixels.
    placing() {
      const [left, right, low, high] = this.box();
      const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
      const scale = Math.min(width / (right - left), height / (high - low));
      return ([x, y, z]) => [width / 2 + scale * (x - (left + right) / 2), height / 2 - scale * (y - (low + high) / 2), z];
    }

    // Where the joints of the present frame are, for each person, in CSS pixels.
    positions() {
      const place = this.placing();
      return this.clip.frames[this.frame].map((_, person) => this.joints(this.frame, person).map((point) => point && place(point)));
    }

    shade(person, limb) {
      const colour = parts(this.clip.colours[person % this.clip.colours.length]);
      const [grey, share] = this.clip.importance ? [1, this.clip.pale] : this.clip.shades[limb];
      // on dark paper, dark and pale change places
      const shade = dark.matches ? mixed(mixed(colour, 1, LIGHTER), 1 - grey, share) : mixed(colour, grey, share);
      return `rgb(${shade.join(",")})`;
    }

    draw() {
      const { canvas, clip } = this;
      const [width, height] = [canvas.clientWidth, canvas.clientHeight];
      if (!width || !height) return;
      const density = window.devicePixelRatio || 1;
      [canvas.width, canvas.height] = [Math.round(width * density), Math.round(height * density)];
      const pen = canvas.getContext("2d");
      pen.scale(density, density);
      [pen.lineCap, pen.lineJoin] = ["round", "round"];
      const style = getComputedStyle(this.figure);
      const people = this.positions();
      const thick = Math.max(2, Math.min(width, height) / 110);
      if (clip.floor.length) this.drawFloor(pen, style.getPropertyValue("--line"));
      const strokes = [];
      people.forEach((joints, person) => {
        for (const [joint, parent, limb] of clip.bones) {
          const ends = [joints[joint], joints[parent]];
          if (ends[0] && ends[1]) strokes.push({ ends, width: thick, colour: this.shade(person, limb) });
        }
        const head = clip.head !== null && !clip.importance && joints[clip.head];
        if (head) strokes.push({ ends: [head, head], width: 3.2 * thick, colour: this.shade(person, "trunk") });
      });
      // what is nearer covers what is behind
      strokes.sort((a, b) => a.ends[0][2] + a.ends[1][2] - b.ends[0][2] - b.ends[1][2]);
      for (const { ends, width: wide, colour } of strokes) {
        [pen.lineWidth, pen.strokeStyle] = [wide, colour];
        pen.beginPath();
        pen.moveTo(ends[0][0], ends[0][1]);
        pen.lineTo(ends[1][0], ends[1][1]);
        pen.stroke();
      }
      if (clip.importance) this.drawImportance(pen, people, thick, style.getPropertyValue("--ink"));
      for (const line of this.figure.querySelectorAll("[data-limb]")) {
        line.style.stroke = this.shade(Number(line.dataset.person), line.dataset.limb);
      }
    }

    drawImportance(pen, people, thick, ink) {
      [pen.lineWidth, pen.strokeStyle] = [1, ink];
      for (const joints of people) {
        for (const joint of clipOrder(this.clip.importance)) {
          if (!joints[joint]) continue;
          pen.fillStyle = this.clip.jointColours[joint];
          pen.beginPath();
          pen.arc(joints[joint][0], joints[joint][1], thick * (0.9 + 1.6 * this.clip.importance[joint]), 0, 2 * Math.PI);
          pen.fill();
          pen.stroke();
        }
      }
    }

    drawFloor(pen, colour) {
      const place = this.placing();
      const [first, second, , last] = this.clip.floor;
      // `across` and `back` of an edge from the first corner
      const at = (across, back) => place(this.turned(...first.map((from, axis) =>
        from + across * (second[axis] - from) + back * (last[axis] - from))));
      const line = (from, to) => { pen.moveTo(from[0], from[1]); pen.lineTo(to[0], to[1]); };
      [pen.lineWidth, pen.strokeStyle] = [1, colour];
      pen.beginPath();
      for (let square = 0; square <= FLOOR; square++) {
        const part = square / FLOOR;
        line(at(part, 0), at(part, 1));
        line(at(0, part), at(1, part));
      }
      pen.stroke();
    }
  }

  // Joints, the most important one last.
  const clipOrder = (importance) => importance.map((_, joint) => joint).sort((a, b) => importance[a] - importance[b]);

  // A clip is read when its player comes near the window.
  const nearby = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      nearby.unobserve(entry.target);
      entry.target.skeletonPlayer = new Player(entry.target);
    }
  }, { rootMargin: "300px" });

  const begin = () => {
    for (const figure of document.querySelectorAll("[data-skeleton-player]:not([data-begun])")) {
      figure.dataset.begun = "";
      nearby.observe(figure);
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
