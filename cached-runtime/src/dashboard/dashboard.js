// Keeps the page current: asks for the JSON once a second, and draws the chart. Must never write markup, only text.
"use strict";
(() => {
  const base = document.body.dataset.base;
  const live = document.getElementById("live");

  function cell(row, column, text) {
    const found = row.querySelector(`td[data-col="${column}"]`);
    if (found && found.textContent !== text) found.textContent = text;
  }

  function fill(row, one, health) {
    row.className = health;
    for (const [column, text] of Object.entries(one.text)) cell(row, column, text);
  }

  function rows(table, of, all, same, health) {
    if (!document.getElementById(table)) return all.length > 0;
    const known = [...document.querySelectorAll(`#${table} tbody tr`)];
    let changed = known.length !== all.length;
    for (const one of all) {
      const row = known.find((row) => same(row.dataset, one));
      if (row) fill(row, one, health(one)); else changed = true;
    }
    return changed;
  }

  function draw(samples) {
    const points = [];
    for (let at = 1; at < samples.length; at++) {
      const [a, b] = [samples[at - 1], samples[at]];
      const seconds = Math.max((b.at_ms - a.at_ms) / 1000, 0.001);
      const hits = Math.max(b.hits - a.hits, 0);
      const misses = Math.max(b.misses - a.misses, 0);
      points.push({ at: b.at_ms, requests: (hits + misses) / seconds, rate: hits + misses ? hits / (hits + misses) : null });
    }
    if (points.length === 0) return;
    const end = points[points.length - 1].at;
    const most = Math.max(1, ...points.map((point) => point.requests));
    const x = (point) => Math.max(0, 600 - ((end - point.at) / 300000) * 600).toFixed(1);
    const path = (value) => {
      let d = "", pen = "M";
      for (const point of points) {
        const share = value(point);
        if (share === null) { pen = "M"; continue; }
        d += `${pen}${x(point)} ${(156 - share * 152).toFixed(1)}`;
        pen = "L";
      }
      return d;
    };
    document.querySelector("#chart .requests").setAttribute("d", path((point) => point.requests / most));
    document.querySelector("#chart .rate").setAttribute("d", path((point) => point.rate));
    document.getElementById("most").textContent = `(top: ${Math.round(most).toLocaleString("en")})`;
    const [first, last] = [samples[0], samples[samples.length - 1]];
    document.getElementById("words").textContent =
      `In the last ${Math.round((last.at_ms - first.at_ms) / 1000)} s: ` +
      `${Math.max(last.hits - first.hits, 0).toLocaleString("en")} hits, ` +
      `${Math.max(last.misses - first.misses, 0).toLocaleString("en")} misses.`;
  }

  async function update() {
    if (document.hidden) return;
    try {
      const answer = await fetch(`${base}stats.json`, { cache: "no-store" });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const now = await answer.json();
      draw(now.samples);
      const caches = rows("caches", "cache", now.caches,
        (data, one) => data.cache === one.name && data.backend === one.backend && data.connection === (one.connection ?? ""),
        (one) => one.health);
      const servers = rows("servers", "server", now.redis, (data, one) => data.server === one.name,
        (one) => (one.state === "failing" || one.state === "unusable" ? "unreachable" : "healthy"));
      // A cache came or went: the server writes the page. Not under somebody's hands.
      if ((caches || servers) && !document.activeElement?.matches("input, button")) location.replace(location.pathname);
      live.textContent = "Live.";
    } catch (problem) {
      live.textContent = `Not live: ${problem.message}`;
    }
  }

  update();
  setInterval(update, 1000);
})();
