import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { LADDER } from './ladder.js';

/** How the house is built, held to be true. Each rule says why; break one only by changing it here, with a reason. */

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

/** A file that needs scrolling for minutes holds two ideas; a module that is most of the house holds five. */
const LONGEST_FILE = 250;
const LARGEST_MODULE = 0.15;

interface SourceFile {
  path: string;
  text: string;
  tree: ts.SourceFile;
}

const files: SourceFile[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.(ts|js)$/.test(path) && !path.endsWith('.spec.ts'))
  .sort()
  .map((path) => {
    const text = readFileSync(join(SRC, path), 'utf8');
    return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true) };
  });

/** Every node of a file that a test picks. */
function find<T extends ts.Node>({ tree }: SourceFile, pick: (node: ts.Node) => node is T): T[] {
  const found: T[] = [];
  const visit = (node: ts.Node): void => {
    if (pick(node)) found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** What a file imports or exports from elsewhere, types and import() too. */
function importsOf(file: SourceFile): string[] {
  const declared = find(
    file,
    (node): node is ts.ImportDeclaration | ts.ExportDeclaration =>
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node),
  );
  const called = find(
    file,
    (node): node is ts.CallExpression =>
      ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword,
  );
  return [...declared.map((node) => node.moduleSpecifier), ...called.map((node) => node.arguments[0])].flatMap(
    (node) => (node && ts.isStringLiteral(node) ? [node.text] : []),
  );
}

function moduleOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  if (!path.includes('/')) return '(entry)';
  return first === 'platform' ? `platform/${second}` : first;
}

const stepOf = (module: string) => LADDER.findIndex((modules) => modules.includes(module));
const linesOf = ({ text }: SourceFile) => text.split('\n').length - 1;

/** The files of `src/` that a file imports, by their paths. */
function targetsOf(file: SourceFile): string[] {
  return importsOf(file)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => relative(SRC, resolve(SRC, dirname(file.path), specifier)));
}

/** Calls of a function or method of this name, and of `new` with it. */
function callsOf(file: SourceFile, pattern: RegExp): (ts.CallExpression | ts.NewExpression)[] {
  return find(
    file,
    (node): node is ts.CallExpression | ts.NewExpression =>
      (ts.isCallExpression(node) || ts.isNewExpression(node)) && pattern.test(node.expression.getText()),
  );
}

const offenders = (isOffender: (file: SourceFile) => boolean) => files.filter(isOffender).map(({ path }) => path);

test('the rules are tried on all the source there is', () => {
  expect(files.length).toBeGreaterThan(60);
  expect(files.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['main.ts', 'credentials/passwords/hash.worker.js']),
  );
});

test('every module has its place on the ladder, and every place a module', () => {
  const found = new Set(files.map(({ path }) => moduleOf(path)));
  expect([...found].sort()).toEqual(LADDER.flat().sort());
});

test('a module imports only from modules below it: each can be read with what is under it', () => {
  const wrong = files.flatMap((file) =>
    targetsOf(file)
      .filter((target) => {
        const [from, to] = [moduleOf(file.path), moduleOf(target)];
        return from !== to && stepOf(to) <= stepOf(from);
      })
      .map((target) => `${file.path} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test('no two files import each other, not by way of others either: ES modules with decorators crash at start', () => {
  const imports = new Map(
    files.map((file) => [file.path, targetsOf(file).map((path) => path.replace(/\.js$/, '.ts'))]),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: string[]): void => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' > '));
    if (done.has(path) || trail.includes(path)) return;
    for (const target of imports.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  expect(cycles).toEqual([]);
});

test(`no file is longer than ${LONGEST_FILE} lines`, () => {
  expect(offenders((file) => linesOf(file) > LONGEST_FILE)).toEqual([]);
});

test(`no module holds more than ${LARGEST_MODULE * 100} % of the lines`, () => {
  const total = files.reduce((sum, file) => sum + linesOf(file), 0);
  const large = LADDER.flat()
    .map((name) => {
      const own = files.filter(({ path }) => moduleOf(path) === name).reduce((sum, file) => sum + linesOf(file), 0);
      return { name, share: own / total };
    })
    .filter(({ share }) => share > LARGEST_MODULE);
  expect(large).toEqual([]);
});

test('the page and the client stand alone: they reach the server over HTTP, and the client’s types come from its document', () => {
  const ROOT = fileURLToPath(new URL('../', import.meta.url));
  const reaching = ['web', 'client'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(ts|tsx|json)$/.test(path) && !path.includes('node_modules'))
      .filter((path) => /['"](\.\.\/)+src\//.test(readFileSync(join(ROOT, folder, path), 'utf8')))
      .map((path) => `${folder}/${path}`),
  );
  expect(reaching).toEqual([]);
});

test('nothing is imported from outside of src but packages: what is built stands alone', () => {
  const wrong = files.flatMap((file) =>
    importsOf(file).filter(
      (name) => name.startsWith('.') && relative(SRC, resolve(SRC, dirname(file.path), name)).startsWith('..'),
    ),
  );
  expect(wrong).toEqual([]);
});

test('no barrel files: an import says in which file a thing is', () => {
  expect(offenders(({ path }) => /(^|\/)index\.[jt]s$/.test(path))).toEqual([]);
  expect(
    offenders((file) => find(file, ts.isExportDeclaration).some((node) => node.moduleSpecifier !== undefined)),
  ).toEqual([]);
});

test('no forwardRef: two that need each other are one, or a third is missing', () => {
  expect(offenders((file) => callsOf(file, /^forwardRef$/).length > 0)).toEqual([]);
});

test('every sign-in ends in one exit: nothing else opens a session', () => {
  const openers = offenders((file) => callsOf(file, /\bsessions\.open$/).length > 0);
  expect(openers).toEqual(['auth/sign-in/sign-in.service.ts']);
});

test('a table is written to by its own module, but for what is named here', () => {
  const writers = new Map<string, Set<string>>();
  for (const { path, text } of files) {
    for (const [, table = ''] of text.matchAll(/\b(?:INSERT INTO|UPDATE|DELETE FROM) +([a-z_]+)\b(?! *\.)/g))
      writers.set(table, (writers.get(table) ?? new Set()).add(moduleOf(path)));
  }
  const shared = [...writers].filter(([, modules]) => modules.size > 1);
  expect(Object.fromEntries(shared.map(([table, modules]) => [table, [...modules].sort()]))).toEqual({
    // An import adds thousands at once; an account that nobody confirmed expires with its registration.
    users: ['admin', 'auth', 'users'],
    passwords: ['admin', 'credentials'],
    // A user has roles, and a role that is removed is taken from its holders in batches.
    user_roles: ['admin', 'roles', 'users'],
    // Mail is a topic of the outbox.
    mail_outbox: ['platform/jobs', 'platform/mail'],
  });
});

test('one function reads where a request comes from: hops with ports, mapped and zoned addresses are one client to all', () => {
  const readers = offenders(
    (file) =>
      /['"`]x-forwarded-for['"`]/.test(file.text) ||
      find(file, ts.isPropertyAccessExpression).some((node) =>
        /(^|\.)(remoteAddress|ips|(request|req|raw|socket)\.ip)$/.test(node.getText()),
      ) ||
      find(file, ts.isVariableDeclaration).some(
        (node) =>
          /\bips?\b/.test(node.name.getText()) && /^(request|req|raw)\b/.test(node.initializer?.getText() ?? ''),
      ) ||
      callsOf(file, /^Ip$/).length > 0 ||
      /trustProxy/.test(file.text),
  );
  // The one asks whether the socket leads to this very machine, not who the client is.
  expect(readers).toEqual(['platform/common/this-machine.ts', 'platform/http/client-address.ts']);
});

test('only the embedded Postgres starts programs', () => {
  const starters = offenders((file) => importsOf(file).some((name) => /^(node:)?child_process$/.test(name)));
  expect(starters.filter((path) => !path.startsWith('platform/database/embedded/'))).toEqual([]);
  const shells = files.filter(
    (file) =>
      callsOf(file, /(^|\.)(exec|execSync)$/).some((call) => !/\.exec$/.test(call.expression.getText())) ||
      /shell:\s*true/.test(file.text),
  );
  expect(shells.map(({ path }) => path)).toEqual([]);
});

test('no Math.random: what is random here is a secret or an id (ASVS 5.0 V11.5.1)', () => {
  expect(
    offenders((file) => find(file, ts.isPropertyAccessExpression).some((node) => node.getText() === 'Math.random')),
  ).toEqual([]);
});

test('no text becomes code (ASVS 5.0 V1.3.2)', () => {
  expect(
    offenders(
      (file) =>
        callsOf(file, /^(eval|Function|globalThis\.eval)$/).length > 0 ||
        importsOf(file).some((name) => /^(node:)?vm$/.test(name)),
    ),
  ).toEqual([]);
});

/** What other software chose for the password hashes that are brought along is not ours to choose. */
const ownCrypto = files.filter(({ path }) => !path.startsWith('credentials/passwords/foreign/'));

test('the only cipher is AES-256-GCM (ASVS 5.0 V11.3.2), and every tag is 16 bytes', () => {
  const ciphers = ownCrypto.flatMap((file) =>
    callsOf(file, /^create(C|Dec)ipheriv$/).map((call) => call.arguments?.[0]?.getText()),
  );
  expect(new Set(ciphers)).toEqual(new Set(["'aes-256-gcm'"]));
  expect(offenders(({ text }) => /createDecipheriv\(/.test(text) && !/authTagLength/.test(text))).toEqual([]);
});

test('no MD5 and no SHA-1 (ASVS 5.0 V11.4.1)', () => {
  const hashes = ownCrypto.flatMap((file) =>
    callsOf(file, /^(createHash|createHmac|hkdfSync|createSign|createVerify)$/).map((call) =>
      call.arguments?.[0]?.getText(),
    ),
  );
  expect(hashes.filter((name) => !/^'sha(256|384|512)'$/.test(name ?? ''))).toEqual([]);
});

test('certificates are checked, everywhere (ASVS 5.0 V12.3.2)', () => {
  expect(
    offenders(({ text }) =>
      /rejectUnauthorized:\s*(false|!1)|NODE_TLS_REJECT_UNAUTHORIZED|checkServerIdentity/.test(text),
    ),
  ).toEqual([]);
});

test('no `any`: what the compiler does not know, nobody checks', () => {
  expect(
    offenders(
      (file) => find(file, (node): node is ts.KeywordTypeNode => node.kind === ts.SyntaxKind.AnyKeyword).length > 0,
    ),
  ).toEqual([]);
  expect(offenders(({ text }) => /@ts-(ignore|nocheck)/.test(text))).toEqual([]);
});

test('the environment is read once, by the start, and handed to the module that checks it', () => {
  const readers = offenders((file) =>
    find(file, ts.isPropertyAccessExpression).some((node) => node.getText() === 'process.env'),
  );
  expect(
    readers.filter(
      (path) => !['(entry)', 'app', 'cli'].includes(moduleOf(path)) && !path.startsWith('platform/database/embedded/'),
    ),
  ).toEqual([]);
});

test('secrets are compared in constant time: by timingSafeEqual, never by ===', () => {
  const compared = files.flatMap((file) =>
    find(file, ts.isBinaryExpression)
      .filter((node) => /^[!=]==$/.test(node.operatorToken.getText()))
      .filter(
        (node) =>
          /\b(mac|signature|secret|secretHash|digest)$/i.test(node.left.getText()) &&
          !/^(undefined|null|'.*'|\d+)$/.test(node.right.getText()),
      )
      .map((node) => `${file.path}: ${node.getText()}`),
  );
  expect(compared).toEqual([]);
});

describe('SQL takes values as parameters only (ASVS 5.0 V1.2.4)', () => {
  const SQL = /\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|DECLARE|FETCH|LISTEN|NOTIFY|ALTER|CREATE|DROP)\b/;

  /** The names that a file may put into SQL: constants in capitals, which are text written in the source. */
  function isConstant(expression: ts.Expression): boolean {
    return /^[A-Z][A-Z_]*$/.test(expression.getText());
  }

  const filled = files.flatMap((file) =>
    find(file, ts.isTemplateExpression)
      .filter((node) => SQL.test(node.getText()))
      .flatMap((node) =>
        node.templateSpans
          .filter((span) => !isConstant(span.expression))
          .map((span) => `${file.path}: ${span.expression.getText()}`),
      ),
  );

  /** What no parameter can be, and why it can hold nothing that came in. */
  const EXCEPTIONS = [
    // One of two functions of Postgres, each named by a method of the same class.
    'platform/database/embedded/instance-lease.ts: lockFunction',
    // CREATE ROLE takes no parameter. The launcher makes the password itself, for a database that nobody has used yet.
    'platform/database/embedded/postgres-data-folder.ts: password',
  ];

  test('a template that holds SQL is filled with constants of the source alone', () => {
    expect(filled).toEqual(EXCEPTIONS);
  });

  test('a constant in capitals is a text or a number, and never made from what came in', () => {
    const wrong = files.flatMap((file) =>
      find(file, ts.isVariableDeclaration)
        .filter((node) => /^[A-Z][A-Z_]*$/.test(node.name.getText()) && SQL.test(node.initializer?.getText() ?? ''))
        .filter((node) => find({ ...file, tree: node as never }, ts.isCallExpression).length > 0)
        .map((node) => `${file.path}: ${node.name.getText()}`),
    );
    expect(wrong).toEqual([]);
  });

  test('no statement is put together by +', () => {
    const added = files.flatMap((file) =>
      find(file, ts.isBinaryExpression)
        .filter(
          (node) =>
            node.operatorToken.kind === ts.SyntaxKind.PlusToken &&
            SQL.test(node.left.getText()) &&
            /^['"`]/.test(node.left.getText()),
        )
        .map((node) => `${file.path}: ${node.getText().slice(0, 60)}`),
    );
    expect(added).toEqual([]);
  });

  test('no two statements have the same name: a connection that has prepared one refuses the other', () => {
    const names = files.flatMap((file) =>
      find(file, ts.isObjectLiteralExpression).flatMap(({ properties }) => {
        const initializerOf = (name: string) =>
          properties.filter(ts.isPropertyAssignment).find((property) => property.name.getText() === name)?.initializer;
        const [name, text] = [initializerOf('name'), initializerOf('text')];
        return name && text && ts.isStringLiteral(name) ? [name.text] : [];
      }),
    );
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name, index) => names.indexOf(name) < index)).toEqual([]);
  });
});
