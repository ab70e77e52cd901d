#!/usr/bin/env python3
"""test_blocking_page.py - the page of what was found in a browser: what is clicked, dragged, typed does what it says. Speaks TAP.

Run it from the root, after make build/release/grader/tests/blocking/page_sample. The trap it exists for: a script that nobody
ever ran."""
import json, os, re, shutil, subprocess, sys, tempfile

SAMPLE = os.environ.get("PAGE_SAMPLE", "build/release/grader/tests/blocking/page_sample")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
BOUND = 120

# Before anything of the page's own.
WATCH = """<script>const wrong = [];
addEventListener('error', e => wrong.push(e.message));
addEventListener('securitypolicyviolation', e => wrong.push('refused: ' + e.violatedDirective));</script>"""

# Behind all of it: checks by name; what they throw is why they fail.
EXERCISE = """<script>addEventListener('load', () => {
const results = [], $ = selector => document.querySelector(selector), $$ = selector => [...document.querySelectorAll(selector)];
function check(name, test) {
    let why = '';
    try { test(); } catch (error) { why = String(error); }
    results.push([name, why]);
}
function must(so, what) { if (!so) throw what; }
function same(a, b) { must(JSON.stringify(a) === JSON.stringify(b), JSON.stringify(a) + ' is not ' + JSON.stringify(b)); }
function type(input, text) { input.value = text; input.dispatchEvent(new Event('input', { bubbles: true })); }
function key(element, key) { element.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true })); }
function pointer(element, kind, x, y) {
    element.dispatchEvent(new PointerEvent(kind, { clientX: x, clientY: y, button: 0, pointerId: 1, bubbles: true }));
}
function visible() { return $$('.site').filter(s => !s.hidden).map(s => s.id.slice(5)).join(''); }
function open() { return $$('.site.open').map(s => s.id.slice(5)).join(''); }
CHECKS
const out = document.createElement('pre');
out.id = 'result';
out.textContent = JSON.stringify(results);
document.body.append(out);
});</script>"""

PAGE = r"""
HTMLElement.prototype.setPointerCapture = () => {};
const timeline = $('#timeline'), shown = $('#window');
const all = shown.textContent, box = () => timeline.getBoundingClientRect();
check('a place opens and closes by a click and by a key', () => {
    same(open(), '0');
    $('#site-1 .row').click();
    same(open(), '01');
    must(getComputedStyle($('#site-1 .more')).display !== 'none', 'it is not shown');
    must(getComputedStyle($('#site-2 .more')).display === 'none', 'another one is shown');
    key($('#site-1 .row'), 'Enter');
    same(open(), '0');
    same($('#site-1 .row').getAttribute('aria-expanded'), 'false');
});
check('all places open and close', () => {
    $('#all').click();
    same(open(), '012345678');
    $('#all').click();
    same(open(), '');
});
check('a filter leaves the places that have all of its words', () => {
    type($('#filter'), 'json_array CUT');
    same(visible(), '2');
    must($('#shown').textContent.startsWith('1 of 9 places, 640.000 ms'), $('#shown').textContent);
    type($('#filter'), 'no such thing');
    same(visible(), '');
    type($('#filter'), '');
    same(visible(), '012345678');
});
check('verdicts are left out and taken in again', () => {
    const blocked = $('.tools button[data-verdict=blocked]');
    blocked.click();
    same(visible(), '2458');
    blocked.click();
    same(visible(), '012345678');
});
check('each column sorts, and again the other way round', () => {
    const count = $('button[data-key=count]');
    count.click();
    const counts = () => $$('.site').map(s => +s.dataset.count);
    same(counts(), counts().sort((a, b) => b - a));
    count.click();
    same(counts(), counts().sort((a, b) => a - b));
    same(count.parentNode.getAttribute('aria-sort'), 'ascending');
    $('button[data-key=verdict]').click();
    same($$('.site').map(s => s.dataset.verdict)[0], 'blocked');
    $('button[data-key=total]').click();
    same(visible(), '012345678');
});
check('a callback shows its places', () => {
    $$('.pick').find(b => b.textContent === 'on_reply').click();
    same(visible(), '12');
    type($('#filter'), '');
});
check('a place that is pointed at comes out of its filter', () => {
    type($('#filter'), 'fdatasync');
    page.open(5);
    same(visible(), '012345678');
    same(open(), '5');
});
check('the timeline has a lane for each loop, and all kinds', () => {
    same($$('#timeline .name').length, 3);
    const kinds = [...new Set($$('#timeline .stretch').map(p => p.classList[1]))].sort().join(' ');
    same(kinds, 'blocked could faults hog iteration starved');
});
check('the wheel and keys zoom, arrows move, escape shows all', () => {
    timeline.dispatchEvent(new WheelEvent('wheel', { deltaY: -300, clientX: box().left + 10, bubbles: true, cancelable: true }));
    const zoomed = shown.textContent;
    must(zoomed !== all, 'the wheel did nothing');
    key(timeline, 'ArrowRight');
    must(shown.textContent !== zoomed, 'the arrow did nothing');
    key(timeline, '+');
    must(shown.textContent.split('(')[1] !== zoomed.split('(')[1], '+ did nothing');
    key(timeline, 'Escape');
    same(shown.textContent, all);
    const wheel = new WheelEvent('wheel', { deltaY: 300, clientX: box().left + 10, bubbles: true, cancelable: true });
    must(timeline.dispatchEvent(wheel), 'the wheel is taken from the page where there is nothing to zoom out of');
});
check('dragging looks closer, reset shows all', () => {
    const left = box().left, y = box().top + 60;
    pointer(timeline, 'pointerdown', left + 100, y);
    pointer(timeline, 'pointermove', left + 200, y);
    pointer(timeline, 'pointerup', left + 200, y);
    const said = shown.textContent.match(/[\d.]+/g).map(Number), near = (a, b) => Math.abs(a - b) < 0.02;
    must(near(said[0], 3000 / box().width) && near(said[1], 6000 / box().width), shown.textContent);
    $('.reset[data-for=timeline]').click();
    same(shown.textContent, all);
});
check('a stretch says what it is, and a click opens its place', () => {
    const path = $('#timeline .stretch.blocked').getAttribute('d').match(/M(-?[\d.]+) ([\d.]+)/).map(Number);
    const x = box().left + path[1] + 0.5, y = box().top + path[2] + 5;
    pointer(timeline, 'pointermove', x, y);
    must(!$('#tip').hidden && / ms, .* after the start/.test($('#tip').textContent), 'the tip says: ' + $('#tip').textContent);
    $$('.site.open').forEach(s => s.classList.remove('open'));
    pointer(timeline, 'pointerdown', x, y);
    pointer(timeline, 'pointerup', x, y);
    same(open().length, 1);
    pointer(timeline, 'pointerleave', x, y);
    must($('#tip').hidden, 'the tip stays');
});
const boxes = id => $$('#' + id + ' .box'), named = (id, name) => boxes(id).find(b => b.textContent === name);
const widthOf = box => Number(box.querySelector('rect').getAttribute('width'));
function click(box) { box.dispatchEvent(new MouseEvent('click', { bubbles: true })); }
check('a box that is clicked is as wide as the graph, and reset shows all', () => {
    const whole = widthOf(named('blocked', 'all')), before = widthOf(named('blocked', 'store_put'));
    must(before < whole / 2, 'it was as wide before');
    click(named('blocked', 'store_put'));
    same(widthOf(named('blocked', 'store_put')), whole);
    same(widthOf(named('blocked', 'main')), whole);
    must(!named('blocked', 'upstream_resolve'), 'what is beside it is still there');
    $('.reset[data-for=blocked]').click();
    same(widthOf(named('blocked', 'store_put')), before);
});
check('a search marks what it finds and says how much that is', () => {
    type($('input[data-for=hogs]'), 'JSON_NUMBER');
    same($$('#hogs .hit').map(b => b.textContent), ['json_number']);
    same($('#hogs').parentNode.querySelector('.match').textContent, '71.9 % matches');
    $('.reset[data-for=hogs]').click();
    same($$('#hogs .hit').length, 0);
});
check('frames of others are left out when they are not wanted', () => {
    const only = $('input[type=checkbox][data-for=blocked]');
    only.click();
    same($$('#blocked .box.other').map(b => b.textContent), ['all']);
    must(named('blocked', 'getaddrinfo') && named('blocked', 'main'), 'its own are gone');
    only.click();
    must(boxes('blocked').some(b => b.textContent.startsWith('uv_run')), 'they did not come back');
});
check('frames of others with nothing beside them are one box, and are found in it', () => {
    const folded = boxes('hogs').filter(b => b.textContent === 'uv_run \u2026 uv__stream_io (3 frames)');
    same(folded.length, 1);
    type($('input[data-for=hogs]'), 'uv__io_poll');
    same($$('#hogs .hit').length, 1);
    $('.reset[data-for=hogs]').click();
});
check('a box says its time and its part', () => {
    const rect = named('blocked', 'getaddrinfo').querySelector('rect');
    rect.dispatchEvent(new PointerEvent('pointermove', { clientX: 200, clientY: 200, bubbles: true }));
    must($('#tip').textContent.includes('2.310 s, 52.0 % of all'), $('#tip').textContent);
});
check('nothing is wider than the window', () => {
    $('#all').click();
    must(document.documentElement.scrollWidth <= document.documentElement.clientWidth,
         document.documentElement.scrollWidth + ' in ' + document.documentElement.clientWidth);
});
check('nothing went wrong in the script', () => same(wrong, []));
"""

MANY = r"""
check('fifty thousand stretches are some paths', () => {
    must($$('#timeline *').length < 200, $$('#timeline *').length + ' elements');
    must($('#timeline').innerHTML.length < 1000000, $('#timeline').innerHTML.length + ' characters');
    $('#timeline').focus();
    const began = performance.now();
    for (let i = 0; i < 10; i++)
        key($('#timeline'), i % 2 ? '-' : '+');
    results.push(['# a zoom takes ' + ((performance.now() - began) / 10).toFixed(1) + ' ms', '']);
});
check('nothing went wrong in the script', () => same(wrong, []));
"""

HOSTILE = r"""
check('a name that is markup stays a name', () => {
    must(document.title !== 'x', 'its script ran');
    same($$('img').length, 0);
    must($('#site-0 strong').textContent.startsWith('<' + '/script><script>'), $('#site-0 strong').textContent);
    same($$('#blocked .box').filter(b => b.textContent.startsWith('<' + '/script')).length > 0, true);
    const box = $$('#blocked .box rect').pop();
    box.dispatchEvent(new PointerEvent('pointermove', { clientX: 200, clientY: 200, bubbles: true }));
    same($$('#tip img').length, 0);
});
check('nothing went wrong in the script', () => same(wrong, []));
"""

NOTHING = r"""
check('a page without findings has no pictures, and its script does not miss them', () => {
    same($$('svg').length, 1);
    same($('h1').textContent, 'Nothing held the loop up');
    same(wrong, []);
});
"""

tmp = tempfile.mkdtemp(prefix="page-test-")
count = 0


def tap(ok, name, said=""):
    global count
    count += 1
    print(f"{'ok' if ok else 'not ok'} {count} - {name}")
    if not ok:
        print("\n".join("# " + line for line in said.splitlines()))
    sys.stdout.flush()


def browse(wish, checks, width=1300):
    """What the checks say, on a page with that wish."""
    path = f"{tmp}/{wish}.html"
    said = subprocess.run([SAMPLE, wish], capture_output=True, check=True, timeout=BOUND).stdout.decode()
    said = said.replace("<style>", WATCH + "<style>", 1)
    with open(path, "w") as f:
        f.write(said[:said.rindex("</body>")] + EXERCISE.replace("CHECKS", checks) + "</body></html>\n")
    done = subprocess.run([BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                           "--disable-background-networking", "--disable-component-update", "--disable-sync",
                           f"--user-data-dir={tmp}/profile", f"--window-size={width},1400", "--dump-dom", "file://" + path],
                          capture_output=True, timeout=BOUND)
    found = re.search(r'<pre id="result">(.*?)</pre>', done.stdout.decode(errors="replace"), re.S)
    if not found:
        return [["the page could be read", done.stderr.decode(errors="replace")[-2000:] or "the checks did not end"]]
    text = found.group(1).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return json.loads(text)


def main():
    if not BROWSER or not os.path.exists(SAMPLE):
        print("1..0 # SKIP " + ("chromium is not installed" if not BROWSER else f"{SAMPLE} was not built"))
        return 0
    failed = 0
    pages = (("600", PAGE, 1300), ("600", PAGE, 500), ("50000", MANY, 1300), ("hostile", HOSTILE, 1300),
             ("nothing", NOTHING, 1300))
    for wish, checks, width in pages:
        for name, why in browse(wish, checks, width):
            if name.startswith("#"):
                print(name)
                continue
            tap(not why, f"{name} ({wish}, {width} wide)", why)
            failed += bool(why)
    print(f"1..{count}")
    return failed > 0


try:
    rc = main()
finally:
    shutil.rmtree(tmp, ignore_errors=True)
sys.exit(rc)
