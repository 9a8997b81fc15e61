/** Every SQL statement that stands in the sources, as text: found by parsing them, so that a new one is looked at too. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseSync } from '@swc/core';

/** A statement, or one of its forms when a part of it depends on a condition. */
export interface SourceStatement {
  file: string;
  text: string;
  /** It is prepared once a connection, and so may run by a plan that knows none of its values. */
  named: boolean;
}

type Node = { type?: string; [key: string]: unknown };
/** What the constants of a file may hold, its own and those it imports. */
type Known = Map<string, string[]>;

const VERB = /^\s*(SELECT|WITH|INSERT INTO|UPDATE|DELETE FROM)\s/;

/** The statements of all sources below the folders; `unread` are those with a part that only a running program knows. */
export function sourceStatements(
  root: string,
  folders: readonly string[],
): { statements: SourceStatement[]; unread: SourceStatement[] } {
  const found = { statements: [] as SourceStatement[], unread: [] as SourceStatement[] };
  const files = folders
    .flatMap((folder) => sourcesIn(join(root, folder)))
    .map((path) => ({ file: relative(root, path), tree: parse(path) }));
  const exported: Known = new Map();
  for (const { tree } of files)
    for (const node of nodesOf(tree))
      if (node.type === 'ExportDeclaration' && (node['declaration'] as Node).type === 'VariableDeclaration')
        for (const one of nodesOf(node)) remember(one, exported);
  for (const { file, tree } of files) {
    const known: Known = new Map();
    for (const node of nodesOf(tree)) {
      const imported = node.type === 'ImportSpecifier' ? String((node['local'] as Node)['value']) : '';
      if (exported.has(imported)) known.set(imported, exported.get(imported)!);
      remember(node, known);
    }
    for (const { node, named } of outermostTexts(tree, false)) {
      const texts = textsOf(node, known)
        ?.filter((text) => VERB.test(text))
        .map((text) => text.trim());
      if (texts) found.statements.push(...texts.map((text) => ({ file, text, named })));
      else if (VERB.test(beginOf(node))) found.unread.push({ file, text: beginOf(node).trim(), named });
    }
  }
  return found;
}

function parse(path: string): Node {
  const text = readFileSync(path, 'utf8');
  return parseSync(text, { syntax: 'typescript', decorators: true, target: 'es2022' }) as unknown as Node;
}

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /(?<!\.spec|\.d)\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('node_modules'));
}

function children(node: Node): Node[] {
  return Object.values(node)
    .flat()
    .filter((value): value is Node => typeof value === 'object' && value !== null);
}

function* nodesOf(node: unknown): Generator<Node> {
  yield node as Node;
  for (const child of children(node as Node)) yield* nodesOf(child);
}

/** Literals, templates and sums of them that are no part of another one. */
function* outermostTexts(node: Node, named: boolean): Generator<{ node: Node; named: boolean }> {
  if (isText(node)) yield { node, named };
  else
    for (const child of children(node))
      yield* outermostTexts(child, isNamed(node) || (named && node.type !== 'ObjectExpression'));
}

/** An object `{ name, text, ... }`; a constant may be the text of one, and counts as named. */
function isNamed(node: Node): boolean {
  if (node.type === 'VariableDeclarator') return true;
  return (
    node.type === 'ObjectExpression' &&
    (node['properties'] as Node[]).some((one) => (one['key'] as Node | undefined)?.['value'] === 'name')
  );
}

function isText({ type, operator }: Node): boolean {
  return type === 'StringLiteral' || type === 'TemplateLiteral' || (type === 'BinaryExpression' && operator === '+');
}

function remember(node: Node, known: Known): void {
  if (node.type !== 'VariableDeclarator' || !node['init']) return;
  const texts = textsOf(node['init'] as Node, known);
  const name = (node['id'] as Node)['value'];
  if (texts && typeof name === 'string') known.set(name, texts);
}

/** Everything a node may be as a text; undefined when that is not in the file. */
function textsOf(node: Node, known: Known): string[] | undefined {
  switch (node.type) {
    case 'StringLiteral':
      return [String(node['value'])];
    case 'NumericLiteral':
      return [String(node['value'])];
    case 'Identifier':
      return known.get(String(node['value']));
    case 'ParenthesisExpression':
      return textsOf(node['expression'] as Node, known);
    case 'ConditionalExpression': {
      const [yes, no] = [textsOf(node['consequent'] as Node, known), textsOf(node['alternate'] as Node, known)];
      return yes && no && [...yes, ...no];
    }
    case 'BinaryExpression':
      return join2(textsOf(node['left'] as Node, known), textsOf(node['right'] as Node, known));
    case 'TemplateLiteral': {
      const quasis = (node['quasis'] as Node[]).map((quasi) => [String(quasi['cooked'])]);
      const parts = (node['expressions'] as Node[]).map((part) => textsOf(part, known));
      return quasis.reduce<string[] | undefined>(
        (texts, quasi, at) => join2(join2(texts, quasi), parts[at] ?? (at < parts.length ? undefined : [''])),
        [''],
      );
    }
    default:
      return undefined;
  }
}

function join2(left: string[] | undefined, right: string[] | undefined): string[] | undefined {
  return left && right && left.flatMap((one) => right.map((other) => one + other));
}

/** The text up to the first part that is not known. */
function beginOf(node: Node): string {
  if (node.type === 'TemplateLiteral') return String((node['quasis'] as Node[])[0]?.['cooked'] ?? '');
  if (node.type === 'BinaryExpression') return beginOf(node['left'] as Node);
  return node.type === 'StringLiteral' ? String(node['value']) : '';
}
