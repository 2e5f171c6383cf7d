export const title = 'Cloud providers';
export const order = 10;
