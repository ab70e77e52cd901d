/* report_html_flame.js - the flame graphs: who called what, as wide as its time.
 *
 * The trap it exists for: a graph of thousands of boxes, of which a screen has room for hundreds. Only what is half a pixel wide
 * or more is drawn. */
(() => {
    'use strict';
    const { data, duration, percent, make } = page;
    const HEIGHT = 19, LETTER = 6.8;

    /* From the data's lists to boxes that know what they stand on. */
    function grow(list, parent) {
        const [name, file, line, kind, time, kids] = list;
        const box = { name, file, line, kind, time, parent, inside: [] };
        box.kids = kids.map(kid => grow(kid, box)).sort((a, b) => b.time - a.time);
        return box;
    }

    /* Three or more of others' frames, one on the other and nothing beside them, are one box. */
    function fold(box) {
        const chain = [box];
        for (let last = box; last.kind === 'other' && last.kids.length === 1 && last.kids[0].kind === 'other' &&
                             last.kids[0].time === last.time; last = last.kids[0])
            chain.push(last.kids[0]);
        if (chain.length >= 3 && box.parent) {
            box.inside = chain.map(one => one.name);
            box.name = chain[0].name + ' \u2026 ' + chain.at(-1).name + ' (' + chain.length + ' frames)';
            box.kids = chain.at(-1).kids;
        }
        box.kids.forEach(kid => {
            kid.parent = box;
            fold(kid);
        });
        return box;
    }

    function keyOf(box) {
        return box.kind + '\n' + box.name + '\n' + box.file;
    }

    /* The same tree without frames of others; what comes to stand side by side and is the same becomes one. */
    function ownOnly(boxes, parent) {
        const merged = new Map();
        const lift = box => box.kind === 'other' ? box.kids.flatMap(lift) : [box];
        for (const box of boxes.flatMap(lift)) {
            const same = merged.get(keyOf(box));
            if (!same) {
                merged.set(keyOf(box), { ...box, parent, kids: box.kids });
                continue;
            }
            same.time += box.time;
            same.line = same.line === box.line ? same.line : 0;
            same.kids = same.kids.concat(box.kids);
        }
        return [...merged.values()].map(box => {
            box.kids = ownOnly(box.kids, box);
            return box;
        }).sort((a, b) => b.time - a.time);
    }

    function place(box) {
        return box.file ? box.file + (box.line > 0 ? ':' + box.line : '') : '';
    }

    function start(id) {
        const root = document.getElementById(id);
        if (!root)
            return;
        const all = data[id] ? fold(grow(data[id], null)) : null, tools = root.parentNode.querySelector('.tools');
        const search = tools.querySelector('input[type=search]'), only = tools.querySelector('input[type=checkbox]');
        let top = all, focus = all, at = new Map();

        function hits(box) {
            const text = search.value.trim().toLowerCase();
            return text !== '' && [box.name, place(box), ...box.inside].join(' ').toLowerCase().includes(text);
        }

        /* The time of what matches, none of it twice. */
        function matched(box) {
            return hits(box) ? box.time : box.kids.reduce((sum, kid) => sum + matched(kid), 0);
        }

        function add(svg, boxes, box, x, width, depth) {
            if (width < 0.5)
                return;
            boxes.push({ box, x, width, depth });
            let left = x;
            for (const kid of box.kids) {
                const wide = width * kid.time / box.time;
                add(svg, boxes, kid, left, wide, depth + 1);
                left += wide;
            }
        }

        function drawBox(svg, { box, x, width, depth }, height) {
            const group = make('g', { class: 'box ' + box.kind + (hits(box) ? ' hit' : '') + (depth < 0 ? ' below' : '') }, svg);
            const y = height - (depth + 1) * HEIGHT, letters = Math.floor((width - 8) / LETTER);
            make('rect', { x, y, width: Math.max(0.5, width - 1), height: HEIGHT - 1, rx: width > 6 ? 3 : 0 }, group);
            at.set(group, box);
            if (letters < 3)
                return;
            const text = make('text', { x: x + 5, y: y + 13 }, group);
            text.textContent = box.name.length > letters ? box.name.slice(0, letters - 1) + '\u2026' : box.name;
        }

        function draw() {
            const width = root.clientWidth || 800, boxes = [], below = [];
            at = new Map();
            for (let box = focus.parent; box; box = box.parent)
                below.unshift(box);
            below.forEach((box, depth) => boxes.push({ box, x: 0, width, depth }));
            add(null, boxes, focus, 0, width, below.length);
            const height = HEIGHT * (1 + boxes.reduce((most, b) => Math.max(most, b.depth), 0));
            const svg = make('svg', { viewBox: '0 0 ' + width + ' ' + height, width, height });
            for (const box of boxes)
                drawBox(svg, box, height);
            root.replaceChildren(svg);
            tools.querySelector('.match').textContent = search.value.trim() ? percent(matched(top), top.time) + ' matches' : '';
        }

        function boxOf(event) {
            return at.get(event.target.closest('g'));
        }

        function hover(event) {
            const box = boxOf(event);
            if (!box) {
                page.tipHide();
                return;
            }
            const lines = [box.name, box.inside.length ? box.inside.join(' > ') : place(box), duration(box.time) + ', ' + percent(box.time, top.time) + ' of all'];
            if (box.parent)
                lines.push(percent(box.time, box.parent.time) + ' of what called it');
            page.tipShow(event, lines.filter(line => line));
        }

        function look(box) {
            focus = box;
            draw();
        }

        function reset() {
            search.value = '';
            look(top);
        }

        function choose() {
            top = only.checked ? { ...all } : all;
            if (only.checked)
                top.kids = ownOnly(all.kids, top);
            look(top);
        }

        if (!all) {
            root.textContent = 'No stack could be had.';
            return;
        }
        root.addEventListener('pointermove', hover);
        root.addEventListener('pointerleave', page.tipHide);
        root.addEventListener('click', event => look(boxOf(event) || focus));
        root.addEventListener('keydown', event => event.key === 'Escape' && reset());
        search.addEventListener('input', draw);
        only.addEventListener('change', choose);
        tools.querySelector('.reset').addEventListener('click', reset);
        page.onWidth(root, draw);
        draw();
    }

    start('blocked');
    start('hogs');
})();
