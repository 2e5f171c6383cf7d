export const title = 'Configuration and policy';
export const order = 8;
