// Faults of a rendered page, as a list of sentences; the body of a function. Every text must be readable: of a size, with a
// contrast, inside the page, and in charts not over another text.
const faults = [];
const root = document.documentElement;

function channels(color) {
    const m = color.match(/rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)/);
    return m ? {rgb: [+m[1], +m[2], +m[3]], alpha: m[4] === undefined ? 1 : +m[4]} : {rgb: [0, 0, 0], alpha: 0};
}
function luminance(rgb) {
    const [r, g, b] = rgb.map(v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(a, b) {
    const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
}
function paper(element) {
    for (let e = element; e; e = e.parentElement) {
        const back = channels(getComputedStyle(e).backgroundColor);
        if (back.alpha === 1)
            return back.rgb;
    }
    return [255, 255, 255];
}
// A count in the bar of states stands on the last piece before it that is no hatching.
function ground(text) {
    let piece = text.closest('text').previousElementSibling;
    while (piece && (piece.tagName !== 'rect' || piece.classList.contains('hatch')))
        piece = piece.previousElementSibling;
    return piece ? channels(getComputedStyle(piece).fill).rgb : paper(text);
}

const texts = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest('style, title'))
        continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (box.width === 0 || element.closest('thead') && getComputedStyle(element.closest('thead')).position === 'absolute')
        continue; // for screen readers only
    const style = getComputedStyle(element), drawn = element instanceof SVGElement;
    const ink = channels(drawn ? style.fill : style.color).rgb, back = drawn ? ground(element) : paper(element);
    const size = parseFloat(style.fontSize) * (drawn ? element.getScreenCTM().a : 1);
    const name = `'${node.data.trim().slice(0, 40)}'`;
    if (size < 11)
        faults.push(`${name} is ${size} px`);
    if (contrast(ink, back) < 4.5)
        faults.push(`${name} has a contrast of ${contrast(ink, back).toFixed(2)}`);
    if (box.left < -0.5 || box.right > root.clientWidth + 0.5)
        faults.push(`${name} leaves the page`);
    if (drawn)
        texts.push({name, box, whole: element.closest('text')});
}
for (const a of texts)
    for (const b of texts)
        if (a.whole !== b.whole && a.box.left < b.box.right && b.box.left < a.box.right && a.box.top + 2 < b.box.bottom - 2 &&
            b.box.top + 2 < a.box.bottom - 2)
            faults.push(`${a.name} and ${b.name} overlap`);

if (root.scrollWidth > root.clientWidth)
    faults.push(`${root.scrollWidth} px wide on ${root.clientWidth}`);
if (document.querySelectorAll('h1').length !== 1)
    faults.push('not one h1');
let before = 0;
for (const head of document.querySelectorAll('h1, h2, h3')) {
    const level = +head.tagName[1];
    if (level > before + 1)
        faults.push(`${head.textContent} skips a level`);
    before = level;
}
for (const image of document.querySelectorAll('[role=img]'))
    if (!image.getAttribute('aria-label'))
        faults.push('a picture without words');
for (const svg of document.querySelectorAll('svg'))
    if (!svg.closest('[role=img], [aria-hidden=true]'))
        faults.push('a drawing that is neither named nor hidden');
if (texts.length === 0 && document.querySelector('.plot'))
    faults.push('a chart without text');
if (!root.lang || !document.title)
    faults.push('no language or no title');
return faults;
