import { z } from 'zod';
import { trimBlanks } from './trim-blanks.js';

/**
 * A text that a person types or pastes: a name, an address, a code. A phone's keyboard adds a space to what it completes,
 * so blanks around it are no part of it, nor of its length. Not for passwords, which may hold anything.
 */
export const typedText = z.string().overwrite(trimBlanks);
