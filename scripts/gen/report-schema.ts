// docs/report.schema.json and docs/path.schema.json: what `-o json` prints, from the schemas that the reports' types come from.
import { z } from 'zod';
import { pathSchema } from '../../src/report/path/schema.ts';
import { reportSchema } from '../../src/report/schema.ts';
import { writeGenerated } from '../generated.ts';

function published(schema: z.ZodType, title: string): string {
  const made = z.toJSONSchema(schema, {
    override: ({ jsonSchema }) => {
      // That values are frozen in our program says nothing about a document.
      delete jsonSchema.readOnly;
    },
  });
  return `${JSON.stringify({ $schema: made.$schema, title, ...made }, null, 2)}\n`;
}

writeGenerated(
  new Map([
    ['docs/report.schema.json', published(reportSchema, 'Report of meshdoctor')],
    ['docs/path.schema.json', published(pathSchema, 'Way of a call, as meshdoctor follows it')],
  ]),
);
