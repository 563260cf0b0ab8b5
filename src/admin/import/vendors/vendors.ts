import { aspnet } from './aspnet.js';
import { auth0 } from './auth0.js';
import { betterAuth } from './better-auth.js';
import { clerk } from './clerk.js';
import { cognito } from './cognito.js';
import { devise } from './devise.js';
import { django } from './django.js';
import { firebase } from './firebase.js';
import { keycloak } from './keycloak.js';
import { laravel } from './laravel.js';
import { supabase } from './supabase.js';
import type { Vendor } from './vendor.js';
import { wordpress } from './wordpress.js';

/** The programs whose exports are taken as they are, by the name that `--from` gives them. */
export const VENDORS: Readonly<Record<string, Vendor>> = {
  aspnet,
  auth0,
  'better-auth': betterAuth,
  clerk,
  cognito,
  devise,
  django,
  firebase,
  keycloak,
  laravel,
  supabase,
  wordpress,
};
