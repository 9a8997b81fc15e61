// Holds architecture.json against every import: downhill only, through the door only, plugins on their own, no cycle.
// Our own checker instead of a lint plugin: see docs/adr/0005. `import type` counts, because a type couples as well.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

const OURS = '@lethe/';

function sourcesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (['node_modules', 'dist', 'fixtures'].includes(entry.name) || entry.name.startsWith('.')) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory()
      ? sourcesBelow(path)
      : /\.[mc]?tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts')
        ? [path]
        : [];
  });
}

/** Which part of the house a file belongs to: `libs/consent`, `apps/cli`, `plugins/postgres`, `test`, `scripts`. */
function unitOf(root, path) {
  const [top, name] = relative(root, path).split(sep);
  return ['libs', 'apps', 'plugins'].includes(top) && name ? `${top}/${name}` : top;
}

/** Every module a file names, with its line: import, import type, export from, import() as a call and as a type. */
function importsOf(text) {
  const found = ts.preProcessFile(text, true, true).importedFiles;
  return found.map(({ fileName, pos }) => ({ name: fileName, line: text.slice(0, pos).split('\n').length }));
}

const matches = (pattern, name) =>
  pattern.endsWith('/*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern || name.startsWith(`${pattern}/`);

/** What a specifier leads to: `{unit, file?}` for ours, `{package}` for others; `door: false` when it goes past an index.ts. */
function target(root, from, name) {
  if (name.startsWith('.')) {
    const plain = resolve(dirname(from), name);
    const file = [plain.replace(/\.js$/, '.ts'), plain.replace(/\.js$/, '.tsx'), plain].find((path) =>
      existsSync(path),
    );
    const unit = unitOf(root, plain);
    // What spans domains is tested from test/, which may look behind a door; an app has none.
    const open = unit === unitOf(root, from) || ['scripts', 'test'].includes(unit) || unitOf(root, from) === 'test';
    return { unit, file, door: open || unit.startsWith('apps/') };
  }
  if (name.startsWith('#scripts/')) return { unit: 'scripts', door: true };
  if (name.startsWith('#')) {
    const [domain, ...rest] = name.slice(1).split('/');
    return { unit: `libs/${domain}`, file: join(root, 'libs', domain, 'src', 'index.ts'), door: rest.length === 0 };
  }
  if (!name.startsWith(OURS)) return { package: name };
  const [short] = name.slice(OURS.length).split('/');
  const unit =
    short.startsWith('plugin-') && !existsSync(join(root, 'libs', short))
      ? `plugins/${short.slice(7)}`
      : `libs/${short}`;
  return { unit, file: join(root, unit, 'src', 'index.ts'), door: true, published: true };
}

/** The rule an arrow between two units breaks, or nothing. */
function arrow(architecture, from, to, isSpec) {
  if (from === to || from === 'test') return undefined;
  const [fromTop, fromName] = from.split('/');
  const [toTop, toName] = to.split('/');
  if (toTop === 'scripts' || toTop === 'test') {
    return fromTop === 'apps' || isSpec ? undefined : { rule: 'foreign', text: `only apps and specs may use ${to}` };
  }
  const level = (name) => architecture.layers.findIndex((layer) => layer.includes(name));
  if (fromTop === 'apps') {
    const may = architecture.apps[fromName]?.may ?? ['layers'];
    const named =
      (toTop === 'libs' && may.includes(toName)) ||
      may.includes(to) ||
      (level(toName) >= 0 && toTop === 'libs' && may.includes('layers'));
    return named ? undefined : { rule: 'foreign', text: `${from} may not use ${to}` };
  }
  if (fromTop === 'plugins') {
    const good = toTop === 'libs' && architecture.plugins.may.includes(toName);
    return good
      ? undefined
      : { rule: 'plugin', text: `a plugin may use ${architecture.plugins.may.join(' and ')} only, not ${to}` };
  }
  const published = architecture.published[toName];
  if (toTop !== 'libs') return { rule: 'uphill', text: `a library may not use ${to}` };
  if (published)
    return published.usedBy.includes(fromName) ? undefined : { rule: 'foreign', text: `${from} may not use ${to}` };
  if (architecture.published[fromName]) return { rule: 'plugin', text: `${from} is published and may not use ${to}` };
  if (level(fromName) < 0 || level(toName) < 0) {
    return { rule: 'unknown', text: `${level(fromName) < 0 ? from : to} has no layer in architecture.json` };
  }
  return level(toName) < level(fromName)
    ? undefined
    : { rule: 'uphill', text: `${toName} does not lie below ${fromName}` };
}

function packageRule(architecture, path, unit, name) {
  const plugin = architecture.plugins.neverPackages.find((pattern) => matches(pattern, name));
  if (plugin && unit.startsWith('plugins/')) return { rule: 'plugin', text: `a plugin may not use ${name}` };
  const found = Object.entries(architecture.packages).find(([pattern]) => matches(pattern, name));
  if (!found || unit === 'test') return undefined;
  const [, { onlyIn, orFilesEndingIn = [], neverIn = [] }] = found;
  if (neverIn.some((folder) => path.startsWith(folder)))
    return { rule: 'package', text: `${name} has no place in ${unit}` };
  if (!onlyIn || onlyIn.some((folder) => path.startsWith(folder))) return undefined;
  if (orFilesEndingIn.some((ending) => path.endsWith(ending))) return undefined;
  return {
    rule: 'package',
    text: `${name} belongs in ${[...onlyIn, ...orFilesEndingIn.map((end) => `*${end}`)].join(', ')}`,
  };
}

/** Import cycles between files, each reported once at its first file (Tarjan's strongly connected components). */
function cycles(graph) {
  const state = { index: 0, stack: [], seen: new Map(), low: new Map(), found: [] };
  const visit = (node) => {
    state.seen.set(node, state.index);
    state.low.set(node, state.index++);
    state.stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!state.seen.has(next)) visit(next);
      if (state.stack.includes(next)) state.low.set(node, Math.min(state.low.get(node), state.low.get(next)));
    }
    if (state.low.get(node) !== state.seen.get(node)) return;
    const group = state.stack.splice(state.stack.indexOf(node));
    if (group.length > 1 || graph.get(node)?.includes(node)) state.found.push(group.sort());
  };
  for (const node of graph.keys()) if (!state.seen.has(node)) visit(node);
  return state.found;
}

/**
 * @param {string} root folder that holds apps, libs, plugins and test
 * @param {object} architecture the content of architecture.json
 * @returns {{files: number, arrows: number, violations: {rule: string, path: string, line: number, name: string, text: string}[]}}
 */
export function checkArchitecture(root, architecture) {
  const violations = [];
  const graph = new Map();
  let arrows = 0;
  const files = ['apps', 'libs', 'plugins', 'test'].flatMap((top) => sourcesBelow(join(root, top)));
  for (const file of files) {
    const path = relative(root, file).split(sep).join('/');
    const unit = unitOf(root, file);
    const edges = [];
    for (const { name, line } of importsOf(readFileSync(file, 'utf8'))) {
      const to = target(root, file, name);
      arrows += 1;
      const broken = to.package
        ? packageRule(architecture, path, unit, to.package)
        : (arrow(architecture, unit, to.unit, /\.spec\.tsx?$/.test(path)) ??
          (to.door
            ? undefined
            : { rule: 'door', text: `goes past the door of ${to.unit}; import #${to.unit.split('/')[1]}` }));
      if (broken) violations.push({ ...broken, path, line, name });
      if (to.file && existsSync(to.file)) edges.push(to.file);
    }
    graph.set(file, edges);
  }
  for (const group of cycles(graph)) {
    const [path, ...others] = group.map((file) => relative(root, file).split(sep).join('/'));
    violations.push({
      rule: 'cycle',
      path,
      line: 1,
      name: others.join(', '),
      text: `imports itself through ${others.join(', ') || 'itself'}`,
    });
  }
  return { files: files.length, arrows, violations };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = join(dirname(process.argv[1]), '..');
  const { files, arrows, violations } = checkArchitecture(
    root,
    JSON.parse(readFileSync(join(root, 'architecture.json'), 'utf8')),
  );
  for (const { rule, path, line, name, text } of violations)
    console.error(`${path}:${line} [${rule}] ${name}: ${text}`);
  console.log(`${files} files, ${arrows} imports, ${violations.length} against the architecture`);
  process.exitCode = violations.length === 0 && files > 0 ? 0 : 1;
}
