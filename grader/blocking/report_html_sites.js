/* report_html_sites.js - the table of places: sorted, filtered, opened.
 *
 * The trap it exists for: a place that is pointed at while a filter hides it. */
(() => {
    'use strict';
    const table = document.getElementById('sites');
    if (!table)
        return;
    const places = [...table.tBodies], filter = document.getElementById('filter'), all = document.getElementById('all');
    const shown = document.getElementById('shown'), order = ['blocked', 'faults', 'hog', 'starved', 'could'];
    const choices = [...document.querySelectorAll('.tools button[data-verdict]')];
    const texts = new Map();

    function text(place) {
        if (!texts.has(place))
            texts.set(place, place.textContent.toLowerCase());
        return texts.get(place);
    }

    /* ---- opening ---------------------------------------------------------------------------------------------------- */

    function set(place, open) {
        place.classList.toggle('open', open);
        place.rows[0].setAttribute('aria-expanded', open);
    }

    function isOpen(place) {
        return place.classList.contains('open');
    }

    function show(place) {
        if (place.hidden) {
            filter.value = '';
            choices.forEach(choice => choice.setAttribute('aria-pressed', 'true'));
            apply();
        }
        set(place, true);
        place.scrollIntoView({ block: 'center' });
    }

    page.open = number => show(document.getElementById('site-' + number));

    function onRow(event) {
        const row = event.target.closest('tr.row');
        if (!row || getSelection().toString())
            return;
        set(row.parentNode, !isOpen(row.parentNode));
    }

    function onKey(event) {
        if (!event.target.matches('tr.row') || (event.key !== 'Enter' && event.key !== ' '))
            return;
        event.preventDefault();
        set(event.target.parentNode, !isOpen(event.target.parentNode));
    }

    function openAll() {
        const visible = places.filter(place => !place.hidden), open = !visible.every(isOpen);
        visible.forEach(place => set(place, open));
        sayAll();
    }

    function sayAll() {
        all.textContent = places.filter(place => !place.hidden).every(isOpen) ? 'close all' : 'open all';
    }

    function fromHash() {
        const place = document.getElementById(location.hash.slice(1));
        if (place && places.includes(place))
            show(place);
    }

    /* ---- filtering and sorting -------------------------------------------------------------------------------------- */

    function apply() {
        const wanted = filter.value.trim().toLowerCase().split(/\s+/);
        const verdicts = choices.filter(c => c.getAttribute('aria-pressed') === 'true').map(c => c.dataset.verdict);
        let count = 0, total = 0;
        for (const place of places) {
            place.hidden = !verdicts.includes(place.dataset.verdict) || !wanted.every(word => text(place).includes(word));
            count += !place.hidden;
            total += place.hidden ? 0 : Number(place.dataset.total);
        }
        shown.textContent = count + ' of ' + places.length + ' places, ' + page.duration(total);
        sayAll();
    }

    function valueOf(place, key) {
        if (key === 'verdict')
            return order.indexOf(place.dataset.verdict);
        return key === 'where' ? place.querySelector('.where').textContent : Number(place.dataset[key]);
    }

    function compare(a, b) {
        return typeof a === 'string' ? a.localeCompare(b) : a - b;
    }

    /* Numbers begin with the largest. */
    function sort(button) {
        const key = button.dataset.key, head = button.parentNode, was = head.getAttribute('aria-sort');
        const down = was ? was === 'ascending' : key !== 'verdict' && key !== 'where';
        for (const other of head.parentNode.cells)
            other.removeAttribute('aria-sort');
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        places.sort((a, b) => (down ? -1 : 1) * compare(valueOf(a, key), valueOf(b, key)));
        table.append(...places);
    }

    function pick(name) {
        filter.value = name;
        apply();
        filter.scrollIntoView({ block: 'center' });
    }

    table.classList.add('live');
    places.forEach(place => set(place, place === places[0]));
    table.addEventListener('click', onRow);
    table.addEventListener('keydown', onKey);
    table.tHead.addEventListener('click', event => event.target.matches('button') && sort(event.target));
    filter.addEventListener('input', apply);
    all.addEventListener('click', openAll);
    for (const choice of choices)
        choice.addEventListener('click', () => {
            choice.setAttribute('aria-pressed', choice.getAttribute('aria-pressed') !== 'true');
            apply();
        });
    for (const button of document.querySelectorAll('#costs .pick'))
        button.addEventListener('click', () => pick(button.textContent));
    addEventListener('hashchange', fromHash);
    apply();
    fromHash();
})();
