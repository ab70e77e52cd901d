/* report_html_timeline.js - iterations and waits by time, one lane a loop.
 *
 * The trap it exists for: fifty thousand stretches on a thousand pixels. What falls into one pixel is drawn once, and all of one
 * kind in a lane is one path. */
(() => {
    'use strict';
    const { data, duration, make } = page;
    const root = document.getElementById('timeline'), shown = document.getElementById('window');
    if (!root)
        return;
    const LANES = 60, TOP = 24, LABEL = 17, ROW = 15, LANE = LABEL + 2 * ROW + 12, NEAREST = 10000;
    let left = 0;
    const stretches = read(data.stretches), lanes = choose(stretches);
    const end = stretches.reduce((latest, s) => Math.max(latest, s.began + s.took), Math.max(data.lasted, 1));
    let from = 0, to = end, dragged = null, svg;

    function read(flat) {
        const list = [];
        for (let i = 0, began = 0; i < flat.length; i += 5) {
            began += flat[i];
            list.push({ began, took: flat[i + 1], loop: flat[i + 2], site: flat[i + 3], iteration: flat[i + 4] === 1 });
        }
        return list;
    }

    /* Lanes for the loops that were held up longest. */
    function choose(list) {
        const totals = new Map();
        for (const s of list)
            totals.set(s.loop, (totals.get(s.loop) || 0) + s.took);
        const loops = [...totals.keys()].sort((a, b) => totals.get(b) - totals.get(a));
        left = Math.max(0, loops.length - LANES);
        return new Map(loops.slice(0, LANES).map((loop, lane) => [loop, lane]));
    }

    function kind(s) {
        return s.site < 0 ? 'iteration' : data.sites[s.site][0];
    }

    function name(loop) {
        const known = data.loops[loop];
        return known ? known[0] + ' \u00b7 pid ' + known[1] + ', thread ' + known[2] : 'a loop that is not known';
    }

    /* ---- drawing ---------------------------------------------------------------------------------------------------- */

    /* 1, 2 or 5 times a power of ten, so that about ten fit. */
    function step(span, count) {
        const rough = span / count, power = 10 ** Math.floor(Math.log10(rough));
        return [1, 2, 5, 10].map(x => x * power).find(x => x >= rough);
    }

    function drawAxis(width, height) {
        const every = step(to - from, Math.max(2, width / 110)), scale = width / (to - from);
        for (let at = Math.ceil(from / every) * every; at <= to; at += every) {
            const x = (at - from) * scale;
            make('line', { class: 'rule', x1: x, x2: x, y1: TOP - 6, y2: height }, svg);
            if (x < width - 60)
                make('text', { class: 'axis', x: x + 3, y: TOP - 10 }, svg).textContent = duration(at);
        }
    }

    function drawLabels(width) {
        for (const [loop, lane] of lanes) {
            const y = TOP + lane * LANE;
            make('rect', { class: 'lane', x: 0, y: y + LABEL, width, height: 2 * ROW + 2 }, svg);
            make('text', { class: 'name', x: 4, y: y + 12 }, svg).textContent = name(loop);
        }
    }

    /* By lane, row and kind: the path so far, and the run of pixels that it does not have yet. */
    function runAdd(runs, key, y, x0, x1) {
        const run = runs.get(key);
        if (run && x0 < run.x1) {
            run.x1 = Math.max(run.x1, x1);
            return;
        }
        if (run)
            run.path += pathOf(run);
        runs.set(key, { path: run ? run.path : '', x0, x1, y });
    }

    function pathOf(run) {
        const gap = run.x1 - run.x0 > 3 ? 0.6 : 0;
        return 'M' + run.x0 + ' ' + run.y + 'H' + (run.x1 - gap) + 'v' + (ROW - 2) + 'H' + run.x0 + 'z';
    }

    function drawStretches(width) {
        const scale = width / (to - from), runs = new Map();
        for (const s of stretches) {
            const lane = lanes.get(s.loop);
            if (lane === undefined || s.began > to || s.began + s.took < from)
                continue;
            const x0 = Math.max(-2, Math.floor((s.began - from) * scale));
            const x1 = Math.min(width + 2, Math.max(x0 + 1, Math.ceil((s.began + s.took - from) * scale)));
            runAdd(runs, lane + ' ' + (s.iteration ? 0 : 1) + ' ' + kind(s),
                   TOP + lane * LANE + LABEL + 2 + (s.iteration ? 0 : ROW), x0, x1);
        }
        for (const [key, run] of [...runs].sort((a, b) => b[0].endsWith('iteration') - a[0].endsWith('iteration')))
            make('path', { class: 'stretch ' + key.split(' ')[2], d: run.path + pathOf(run) }, svg);
    }

    function draw() {
        const width = root.clientWidth || 800, height = TOP + lanes.size * LANE;
        svg = make('svg', { viewBox: '0 0 ' + width + ' ' + height, width, height });
        drawAxis(width, height);
        drawLabels(width);
        drawStretches(width);
        make('rect', { class: 'dragged', y: TOP - 6, height: height - TOP + 6, width: 0 }, svg);
        root.replaceChildren(svg);
        shown.textContent = duration(from) + ' to ' + duration(to) + ' (' + duration(to - from) + ')' +
                            (left ? '; ' + left + ' loops more are not shown' : '');
    }

    /* ---- looking closer --------------------------------------------------------------------------------------------- */

    function look(begin, finish) {
        const span = Math.min(end, Math.max(NEAREST, finish - begin));
        from = Math.max(0, Math.min(begin, end - span));
        to = from + span;
        draw();
    }

    function zoom(factor, at) {
        look(at - (at - from) * factor, at + (to - at) * factor);
    }

    function timeAt(event) {
        const box = root.getBoundingClientRect();
        return from + (event.clientX - box.left) / box.width * (to - from);
    }

    /* Those under the pointer, two pixels more to either side; the shortest first. */
    function under(event) {
        const y = event.clientY - svg.getBoundingClientRect().top - TOP, lane = Math.floor(y / LANE);
        const at = timeAt(event), near = 2 * (to - from) / root.clientWidth, row = y - lane * LANE - LABEL - 2;
        if (row < 0 || row > 2 * ROW)
            return [];
        return stretches.filter(s => lanes.get(s.loop) === lane && s.iteration === row < ROW && s.began - near <= at &&
                                     s.began + s.took + near >= at).sort((a, b) => a.took - b.took);
    }

    function describe(s) {
        const site = data.sites[s.site];
        const what = site ? site[1] + (site[2] ? ' at ' + site[2] : '') : s.iteration ? 'an iteration' : 'a wait';
        return what + ': ' + duration(s.took) + ', ' + duration(s.began) + ' after the start';
    }

    function hover(event) {
        const found = under(event);
        const lines = found.slice(0, 5).map(describe);
        if (found.length > 5)
            lines.push('and ' + (found.length - 5) + ' more: look closer');
        page.tipShow(event, lines);
        root.classList.toggle('hit', found.some(s => s.site >= 0));
    }

    function dragTo(event) {
        const x = [dragged.x, event.clientX - root.getBoundingClientRect().left].sort((a, b) => a - b);
        const mark = svg.querySelector('.dragged');
        mark.setAttribute('x', x[0]);
        mark.setAttribute('width', x[1] - x[0]);
        dragged.far = dragged.far || x[1] - x[0] > 4;
    }

    function dragEnd(event) {
        const began = dragged;
        dragged = null;
        if (!began)
            return;
        if (began.far) {
            const at = timeAt(event);
            look(Math.min(began.at, at), Math.max(began.at, at));
            return;
        }
        const found = under(event).find(s => s.site >= 0);
        if (found)
            page.open(found.site);
    }

    function onKey(event) {
        const middle = (from + to) / 2, part = (to - from) / 5;
        const keys = {
            ArrowLeft: () => look(from - part, to - part), ArrowRight: () => look(from + part, to + part),
            '+': () => zoom(0.5, middle), '=': () => zoom(0.5, middle), '-': () => zoom(2, middle),
            0: () => look(0, end), Escape: () => look(0, end),
        };
        if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key])
            return;
        event.preventDefault();
        keys[event.key]();
    }

    /* All of it is shown already: then the page moves. */
    function onWheel(event) {
        if (event.deltaY > 0 && from <= 0 && to >= end)
            return;
        event.preventDefault();
        zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY * 0.003))), timeAt(event));
    }

    root.addEventListener('pointerdown', event => {
        if (event.button !== 0)
            return;
        dragged = { x: event.clientX - root.getBoundingClientRect().left, at: timeAt(event), far: false };
        root.setPointerCapture(event.pointerId);
    });
    root.addEventListener('pointermove', event => dragged ? dragTo(event) : hover(event));
    root.addEventListener('pointerup', dragEnd);
    root.addEventListener('pointercancel', () => { dragged = null; draw(); });
    root.addEventListener('pointerleave', page.tipHide);
    root.addEventListener('wheel', onWheel, { passive: false });
    root.addEventListener('keydown', onKey);
    document.querySelector('.reset[data-for=timeline]').addEventListener('click', () => look(0, end));
    page.onWidth(root, draw);
    draw();
})();
