// The live chart of the weather page. The page works without it. It must never build HTML from what it was sent: text is
// set as text, and numbers are drawn.
"use strict";

(() => {
  const form = document.getElementById("ask");
  const chart = document.getElementById("chart");
  const figure = document.getElementById("figure");
  const reading = document.getElementById("reading");
  if (!form || !chart || !window.fetch) return;

  const MOST = 30;
  const BOX = { left: 56, right: 744, top: 20, bottom: 280 };
  const points = [];

  const node = (name, attributes, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // From the lowest to the highest value, with some air.
  const scale = (values, least) => {
    let low = Math.min(...values);
    let high = Math.max(...values);
    const air = Math.max((high - low) * 0.1, least);
    low = least < 1 ? low - air : 0;
    high += air;
    return { low, high, y: (value) => BOX.bottom - ((value - low) / (high - low)) * (BOX.bottom - BOX.top) };
  };

  const x = (at) => BOX.left + 20 + (at * (BOX.right - BOX.left - 40)) / Math.max(points.length - 1, 9);

  const draw = () => {
    for (const old of [...chart.querySelectorAll("g")]) old.remove();
    const group = node("g", {});
    const temperatures = scale(points.map((point) => point.temperature), 0.5);
    const times = scale(points.map((point) => point.milliseconds), 1);
    for (let step = 0; step <= 4; step += 1) {
      const y = BOX.bottom - (step * (BOX.bottom - BOX.top)) / 4;
      const at = (axis) => axis.low + (step * (axis.high - axis.low)) / 4;
      group.append(
        node("line", { class: "grid", x1: BOX.left, x2: BOX.right, y1: y, y2: y }),
        node("text", { x: BOX.left - 8, y: y + 4, "text-anchor": "end" }, at(temperatures).toFixed(1)),
        node("text", { x: BOX.right + 8, y: y + 4 }, at(times).toFixed(0)),
      );
    }
    for (const [kind, axis, value] of [["a", temperatures, "temperature"], ["b", times, "milliseconds"]]) {
      const line = points.map((point, at) => `${at ? "L" : "M"}${x(at).toFixed(1)} ${axis.y(point[value]).toFixed(1)}`);
      group.append(node("path", { class: `line ${kind}`, d: line.join("") }));
      points.forEach((point, at) => {
        const kept = point.source === "cache" ? " kept" : "";
        group.append(node("circle", { class: `${kind}${kept}`, cx: x(at), cy: axis.y(point[value]), r: 4.5 }));
      });
    }
    points.forEach((point, at) => group.append(node("text", { x: x(at), y: 303, "text-anchor": "middle" }, point.number)));
    chart.append(group);
    const last = points[points.length - 1];
    document.getElementById("chart-text").textContent =
      `${points.length} requests. The last: ${last.temperature} °C in ${last.milliseconds.toFixed(1)} ms, ${last.source}.`;
    figure.hidden = false;
  };

  const show = (answer, milliseconds) => {
    const facts = [
      ["Source", answer.source === "cache" ? "from the cache" : "live"],
      ["Response time in the browser", `${milliseconds.toFixed(1)} ms`],
      ["Loaded", answer.age_seconds === 0 ? "just now" : `${answer.age_seconds} s ago`],
      ["Reading", String(answer.reading)],
    ];
    const list = document.createElement("dl");
    list.className = "facts";
    for (const [name, value] of facts) {
      const row = document.createElement("div");
      const term = document.createElement("dt");
      const text = document.createElement("dd");
      term.textContent = name;
      text.textContent = value;
      row.append(term, text);
      list.append(row);
    }
    const big = document.createElement("p");
    big.className = "big";
    const strong = document.createElement("strong");
    strong.id = "temperature";
    strong.textContent = `${answer.temperature} °C`;
    big.append(strong, `, ${answer.conditions}`);
    reading.replaceChildren(big, list);
  };

  const problem = (text) => {
    const message = document.createElement("p");
    message.className = "message bad";
    message.textContent = text;
    reading.replaceChildren(message);
  };

  const buttons = [...form.querySelectorAll("button")];
  let count = 0;

  const ask = async (cached) => {
    const city = form.elements.city.value;
    const query = new URLSearchParams({ city, cached });
    for (const button of buttons) button.disabled = true;
    const begun = performance.now();
    try {
      const response = await fetch(`${form.dataset.api}?${query}`, { cache: "no-store" });
      const answer = await response.json();
      const milliseconds = performance.now() - begun;
      if (!response.ok) return problem(answer.error);
      count += 1;
      points.push({ number: count, temperature: answer.temperature, milliseconds, source: answer.source });
      if (points.length > MOST) points.shift();
      show(answer, milliseconds);
      draw();
    } catch {
      problem("The server can't be reached.");
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(event.submitter?.value ?? "true");
  });
  form.elements.city.addEventListener("change", () => {
    points.length = 0;
    const heading = document.querySelector("h1");
    heading.textContent = `Weather in ${form.elements.city.selectedOptions[0].textContent}`;
    ask("true");
  });
  ask("true");
})();
