// @ts-check
// What the person who is signed in may look after.

import { user } from './api.js';

/** The tenant whose administrators look after the instance. */
const OPERATORS = 'default';

/** Whether it is an administrator, of whichever tenant. */
export const isAdmin = () => user()?.role === 'admin';

/** Whether it looks after the whole instance. */
export const isOperator = () => isAdmin() && user()?.tenant_id === OPERATORS;
