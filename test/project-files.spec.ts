import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PERMISSIONS } from '../src/access/permissions.js';
import { LADDER } from './ladder.js';

/** What is written about the project, held to the project: files that are named, versions, the ladder, the review list. */

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const read = (path: string) => readFileSync(ROOT + path, 'utf8');
const json = (path: string) => JSON.parse(read(path)) as { version: string; engines: { node: string } };
const DECISIONS = readdirSync(`${ROOT}docs/decisions`).filter((name) => name !== 'README.md');
const DOCS = readdirSync(`${ROOT}docs`).filter((name) => name.endsWith('.md'));
const WORKFLOWS = readdirSync(`${ROOT}.github/workflows`).map((name) => `.github/workflows/${name}`);
const PAGES = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'docs/decisions/README.md'],
  ...DOCS.map((name) => `docs/${name}`),
  ...DECISIONS.map((name) => `docs/decisions/${name}`),
];

/** The section under a heading, down to the next of its level. */
function section(text: string, heading: string): string {
  const [, after] = text.split(`\n${heading}\n`);
  if (after === undefined) throw new Error(`There is no heading ${heading}`);
  return after.split(new RegExp(`^#{1,${heading.indexOf(' ')}} `, 'm'))[0] ?? '';
}

/** The cells of a table's rows, head and rule left out. */
function rowsOf(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('| '));
  return lines.slice(2).map((line) => line.split(/\s*\|\s*/).slice(1, -1));
}

/** The first group of each match. */
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = '']) => found);

describe('files', () => {
  /** A path of a folder of ours, or a file in the root. What has a placeholder is yet to come. */
  const PATH =
    /^(?:(?:src|test|docs|web|client|migrations|scripts|bench|attack|\.github)\/[^<*]*|\.?[\w.-]+\.(?:md|json|[jt]s|example)|\.(?:nvmrc|editorconfig))$/;
  const pathsIn = (text: string) => all(text, /`([^`\s]+)`/g).filter((code) => PATH.test(code));

  // What a change log names may have gone since.
  test.each(PAGES.filter((page) => page !== 'CHANGELOG.md'))('%s names no file that is not there', (page) => {
    expect(pathsIn(read(page)).filter((path) => !existsSync(ROOT + path))).toEqual([]);
  });

  test.each(PAGES)('the links of %s lead somewhere, to a heading too', (page) => {
    const folder = page.slice(0, page.lastIndexOf('/') + 1);
    const links = all(read(page), /\]\((?!https?:)([^)\s]+)\)/g);
    const broken = links.filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : folder + path;
      if (!existsSync(ROOT + target)) return true;
      return anchor !== undefined && !headingsOf(read(target)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('so many are named that the search for them works', () => {
    expect(pathsIn(read('docs/architecture.md')).length).toBeGreaterThan(30);
    expect(pathsIn(read('CONTRIBUTING.md')).length).toBeGreaterThan(15);
    expect(pathsIn('`src/gone.ts`, `jest.config.js` and [`.env.example`](x); `auth.login` of `src/<flow>/`')).toEqual([
      'src/gone.ts',
      'jest.config.js',
      '.env.example',
    ]);
  });

  /** A heading as GitHub links to it. */
  function headingsOf(text: string): string[] {
    return all(text, /^#+ (.+)$/gm).map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );
  }
});

test('every script that a page or a workflow tells to run is one of package.json', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const told = [...PAGES, ...WORKFLOWS].flatMap((path) => all(read(path), /npm run (?:--silent |-s )?([\w:]+)/g));
  expect(told).toEqual(expect.arrayContaining(['test:unit', 'start:dev', 'cli']));
  expect(told.filter((name) => !(name in scripts))).toEqual([]);
});

describe('architecture', () => {
  const text = read('docs/architecture.md');

  test('the ladder is the one that test/architecture.spec.ts keeps, with a line on each step', () => {
    const rows = rowsOf(section(text, '## Ladder'));
    expect(rows.map(([modules = '']) => all(modules, /`([^`]+)`/g))).toEqual(LADDER);
    expect(rows.filter(([, purpose = '']) => purpose.length < 5)).toEqual([]);
  });

  test('the steps of a login are numbered in order, and each names its file', () => {
    const rows = rowsOf(section(text, '## One login, step by step'));
    expect(rows.map(([step]) => Number(step))).toEqual(rows.map((_, index) => index + 1));
    expect(rows.filter(([, , files = '']) => !/^`src\/[^`]+`(, `src\/[^`]+`)*$/.test(files))).toEqual([]);
    expect(rows.length).toBeGreaterThan(15);
  });
});

describe('decisions', () => {
  const HEAD = /^# (\d{4})\. (.+)\n\n- Status: (accepted|superseded by \d{4})\n- Date: (\d{4}-\d\d-\d\d)\n/;

  test.each(DECISIONS)('%s has its number, a title, a status and a date', (name) => {
    const [, number, , , date] = HEAD.exec(read(`docs/decisions/${name}`)) ?? [];
    expect(name.slice(0, 4)).toBe(number);
    expect(new Date(date ?? '').toISOString()).toContain(date);
  });

  test('the numbers follow each other, and the index has each page as it is', () => {
    const numbers = DECISIONS.map((name) => Number(name.slice(0, 4))).sort((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    const pages = [...DECISIONS].sort().map((name) => {
      const [, number, ...rest] = HEAD.exec(read(`docs/decisions/${name}`)) ?? [];
      return [`[${number}](${name})`, ...rest];
    });
    expect(rowsOf(read('docs/decisions/README.md'))).toEqual(pages);
  });
});

describe('permissions', () => {
  test('those that routes ask for, that docs/administration.md lists and that the code names are the same', () => {
    const asked = all(read('docs/routes.txt'), /\bpermission ([a-z]+:[a-z]+)/g);
    const [table = ''] = section(read('docs/administration.md'), '## Who may do what').split('\n\nIn code');
    const listed = rowsOf(table).flatMap(([cell = '']) => all(cell, /`([a-z]+:[a-z]+)`/g));
    expect([...new Set(asked)].sort()).toEqual([...PERMISSIONS].sort());
    expect(listed.sort()).toEqual([...PERMISSIONS].sort());
  });
});

describe('versions', () => {
  const { version, engines } = json('package.json');
  const current = read('.nvmrc').trim();
  const oldest = /^>=(\d+(\.\d+)?)$/.exec(engines.node)?.[1];
  const node = all(/^ +node: \[(.+)\]$/m.exec(read('.github/workflows/ci.yml'))?.[1] ?? '', /['"]([\d.]+)['"]/g);

  test('the newest of CHANGELOG.md is that of server, client and lock', () => {
    const [newest] = all(read('CHANGELOG.md'), /^## (\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d$/gm);
    const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { version: string }> };
    const locked = Object.entries(packages).filter(([path]) => !path.includes('node_modules/'));
    const versions = [version, json('client/package.json').version, ...locked.map(([, own]) => own.version)];
    expect(versions).toEqual(versions.map(() => newest));
    const released = read('CHANGELOG.md').split(/^## (?=\d)/m)[1] ?? '';
    expect(all(released, /^### (\w+)$/gm)).toEqual(['Server', 'Client', 'API']);
  });

  test('SECURITY.md says of this minor version that it gets fixes', () => {
    const [first] = rowsOf(section(read('SECURITY.md'), '## Supported versions'));
    expect(first).toEqual([version.split('.').slice(0, 2).join('.'), 'yes']);
  });

  test('CI tries the oldest Node that is supported and the one of .nvmrc, and the README has each with its end', () => {
    expect(node).toEqual(expect.arrayContaining([current, oldest]));
    const rows = rowsOf(section(read('README.md'), '## Run it'));
    expect(rows.map(([name = '']) => name.replace(' and newer', ''))).toEqual(node);
    expect(rows.filter(([, end = '']) => Number.isNaN(Date.parse(end)))).toEqual([]);
  });

  test('the image is built on the Node of .nvmrc, in every stage', () => {
    const bases = all(read('Dockerfile'), /^FROM (\S+)/gm);
    expect(new Set(bases)).toEqual(new Set([`node:${current}-slim`]));
  });
});

describe('GitHub', () => {
  test('a pull request has the review list of CONTRIBUTING.md', () => {
    const list = section(read('CONTRIBUTING.md'), '## Review list').trim();
    expect(section(read('.github/PULL_REQUEST_TEMPLATE.md'), '## Review list').trim()).toBe(list);
    expect(list).toMatch(/^- \[ \] /);
  });

  test.each(WORKFLOWS)('%s takes actions by a full version, may read only, and ends in time', (path) => {
    const text = read(path);
    const actions = all(text, /uses: (\S+)/g);
    expect(actions.length).toBeGreaterThan(0);
    expect(actions.filter((action) => !/^[\w./-]+@v\d+\.\d+\.\d+$/.test(action))).toEqual([]);
    expect(text).toMatch(/^permissions:\n {2}contents: read$/m);
    expect(all(text, /^ {4}(timeout-minutes): \d+$/gm)).toHaveLength(all(text, /^ {4}(runs-on): /gm).length);
    // What comes from outside is handed to a script by the environment: in its text it would be code.
    expect(all(text, /^ +(?:- )?run: .*(\$\{\{.*\}\}).*$/gm)).toEqual([]);
  });
});
