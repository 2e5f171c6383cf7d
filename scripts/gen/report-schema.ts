// docs/report.schema.json: what `-o json` and `-o yaml` print, from the schema that the report's types come from.
import { z } from 'zod';
import { reportSchema } from '../../src/report/schema.ts';
import { writeGenerated } from '../generated.ts';

const schema = z.toJSONSchema(reportSchema, {
  override: ({ jsonSchema }) => {
    // That values are frozen in our program says nothing about a document.
    delete jsonSchema.readOnly;
  },
});
const published = { $schema: schema.$schema, title: 'Report of meshdoctor', ...schema };
writeGenerated(new Map([['docs/report.schema.json', `${JSON.stringify(published, null, 2)}\n`]]));
