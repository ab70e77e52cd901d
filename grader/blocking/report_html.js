/* report_html.js - what the parts of the page's script share. Each part is a function of its own; this one comes first.
 *
 * The trap it exists for: names in the data are a stranger's text: they become text nodes, never markup. */
const page = (() => {
    'use strict';
    const data = JSON.parse(document.getElementById('data').textContent);
    const tip = document.body.appendChild(document.createElement('div'));
    tip.id = 'tip';
    tip.hidden = true;

    /* As words_time in C. */
    function duration(ns) {
        if (ns === 0)
            return '0';
        return ns < 1e6 ? (ns / 1e3).toFixed(3) + ' us' : ns < 1e9 ? (ns / 1e6).toFixed(3) + ' ms' : (ns / 1e9).toFixed(3) + ' s';
    }

    function percent(part, whole) {
        return whole > 0 ? (100 * part / whole).toFixed(1) + ' %' : '0 %';
    }

    function make(tag, attributes, parent) {
        const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
        for (const name in attributes)
            element.setAttribute(name, attributes[name]);
        return parent ? parent.appendChild(element) : element;
    }

    /* Beside the pointer; the first line is what it is about. */
    function tipShow(event, lines) {
        tip.replaceChildren(...lines.map((line, i) => {
            const element = document.createElement(i ? 'div' : 'strong');
            element.textContent = line;
            return element;
        }));
        tip.hidden = lines.length === 0;
        const room = document.documentElement.clientWidth, left = event.clientX + 14;
        tip.style.left = Math.max(4, Math.min(left, room - tip.offsetWidth - 8)) + 'px';
        const below = event.clientY + 18;
        tip.style.top = (below + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 10 : below) + 'px';
    }

    function tipHide() {
        tip.hidden = true;
    }

    /* Calls `draw` again when there is more or less room. */
    function onWidth(element, draw) {
        let width = element.clientWidth;
        new ResizeObserver(() => {
            if (Math.abs(element.clientWidth - width) < 2)
                return;
            width = element.clientWidth;
            draw();
        }).observe(element);
    }

    return { data, duration, percent, make, tipShow, tipHide, onWidth, open: () => {} };
})();
