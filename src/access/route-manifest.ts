import { type DynamicModule, RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, MODULE_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { ROUTE_ARGS_METADATA, RouteParamtypes } from '@nestjs/common/internal';
import { MetadataScanner } from '@nestjs/core';
import type { RouteLimitName } from '../platform/rate-limiting/route-limits.js';
import { type AccessRule, accessRuleOf, rateLimitOf } from './route-access.js';

/** A route, what it asks of its caller, and how it is limited. */
export interface ManifestRoute {
  method: string;
  path: string;
  /** Null where it says nothing and is closed. */
  access: AccessRule | null;
  /** Null where the common limit holds. */
  limit: RouteLimitName | null;
}

type Import = Type | DynamicModule;

/**
 * Every route of a module and of what it imports, and of the files that are served beside it to anybody, sorted by path.
 * Reads the decorators alone: nothing is started.
 */
export function routesOf(root: Import, files: readonly string[] = []): ManifestRoute[] {
  return controllersOf(root)
    .flatMap(routesOfController)
    .concat(files.map((path) => ({ method: 'GET', path, access: { kind: 'public' }, limit: null })))
    .sort((a, b) => (a.path === b.path ? a.method.localeCompare(b.method) : a.path < b.path ? -1 : 1));
}

/** Throws an Error that names every handler of the routes which takes a body or a query that no schema checks. */
export function assertSchemas(root: Import): void {
  const unchecked = controllersOf(root).flatMap((controller) =>
    new MetadataScanner()
      .getAllMethodNames(controller.prototype)
      .filter((name) => takesUnchecked(controller, name))
      .map((name) => `${controller.name}.${name}`),
  );
  if (unchecked.length > 0) throw new Error(`A body or query has no schema: ${unchecked.join(', ')}`);
}

function takesUnchecked(controller: Type, name: string): boolean {
  const args: Record<string, { schema?: unknown }> = Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, name) ?? {};
  // With the colon: the key of a decorator of our own begins with random characters, which may be the same digit.
  const isInput = (key: string) =>
    [RouteParamtypes.BODY, RouteParamtypes.QUERY].some((type) => key.startsWith(`${type}:`));
  return Object.entries(args).some(([key, { schema }]) => isInput(key) && schema === undefined);
}

/** An access rule in a few words, as the manifest prints it. */
export function describeAccess(rule: AccessRule | null): string {
  switch (rule?.kind) {
    case 'public':
      return 'anybody';
    case 'optional':
      return 'anybody, better signed in';
    case 'signed-in':
      return 'signed in';
    case 'roles':
      return `role ${rule.anyOf.join(' or ')}`;
    case 'permissions':
      return `permission ${rule.allOf.join(' and ')}`;
    default:
      return 'closed';
  }
}

function controllersOf(root: Import): Type[] {
  const seen = new Set<Import>();
  const found = new Set<Type>();
  const open: Import[] = [root];
  for (let next = open.pop(); next; next = open.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const type = 'module' in next ? next.module : next;
    const given: Partial<DynamicModule> = 'module' in next ? next : {};
    const declared = (key: string): unknown[] => Reflect.getMetadata(key, type) ?? [];
    open.push(...(declared(MODULE_METADATA.IMPORTS) as Import[]), ...((given.imports ?? []) as Import[]));
    for (const controller of [...declared(MODULE_METADATA.CONTROLLERS), ...(given.controllers ?? [])]) {
      found.add(controller as Type);
    }
  }
  return [...found];
}

function routesOfController(controller: Type): ManifestRoute[] {
  // As Nest finds them, those that are inherited too.
  return new MetadataScanner().getAllMethodNames(controller.prototype).flatMap((name) => {
    const handler = controller.prototype[name];
    const method: RequestMethod | undefined = Reflect.getMetadata(METHOD_METADATA, handler);
    if (typeof method !== 'number') return [];
    return pathsOf(controller).flatMap((base) =>
      pathsOf(handler).map((path) => ({
        method: RequestMethod[method] ?? '',
        path: `/${[base, path]
          .flatMap((part) => part.split('/'))
          .filter(Boolean)
          .join('/')}`,
        access: accessRuleOf(handler, controller),
        limit: rateLimitOf(handler),
      })),
    );
  });
}

function pathsOf(target: object): string[] {
  return [Reflect.getMetadata(PATH_METADATA, target) ?? ''].flat();
}
