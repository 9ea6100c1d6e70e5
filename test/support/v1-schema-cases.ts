/** How fields of a JSON schema come out in Avro under v1: name, definition, Avro type in short notation. */
export const FIELD_CASES: readonly (readonly [string, string, string])[] = [
  ['string_field', '{"type":"string"}', '[null, string]'],
  ['airbyte_integer_field', '{"type":"number","airbyte_type":"integer"}', '[null, long]'],
  ['integer_field', '{"type":"integer"}', '[null, long]'],
  ['big_integer_field', '{"type":"string","airbyte_type":"big_integer"}', '[null, string]'],
  ['float_field', '{"type":"number","airbyte_type":"float"}', '[null, float]'],
  ['null_field', '{"type":"null"}', 'null'],
  ['union_field', '{"type":["null","number","string"]}', '[null, double, string]'],
  [
    'array_field_single_type',
    '{"type":"array","items":{"type":"string"}}',
    '[null, array<[null, string]>]',
  ],
  [
    'array_field_multiple_types',
    '{"type":"array","items":[{"type":"string"},{"type":"number"},{"type":"string","airbyte_type":"big_integer"}]}',
    '[null, array<[null, string, double]>]',
  ],
  [
    'object_field',
    '{"type":"object","properties":{"id":{"type":"integer"},"big_integer_id":{"type":"string","airbyte_type":"big_integer"},"node_id":{"type":["null","string"]}}}',
    "[null, record object_field@ns=''{id: [null, long]; big_integer_id: [null, string]; node_id: [null, string]; AAP}]",
  ],
  [
    'object_field_without_properties',
    '{"type":"object"}',
    "[null, record object_field_without_properties@ns=''{AAP}]",
  ],
  ['_airbyte_additional_properties', '{"type":"object"}', '[null, map<string>]'],
  ['_ab_additional_properties', '{"type":"object"}', '[null, map<string>]'],
  [
    'any_of_field',
    '{"anyOf":[{"type":"string"},{"type":"integer"},{"type":"number"}]}',
    '[null, string, long, double]',
  ],
  [
    'all_of_field',
    '{"allOf":[{"type":"string"},{"type":"integer"},{"type":"number","airbyte_type":"float"}]}',
    '[null, string, long, float]',
  ],
  [
    'one_of_field',
    '{"oneOf":[{"type":"string"},{"type":"integer"},{"type":"string","airbyte_type":"big_integer"}]}',
    '[null, string, long]',
  ],
  [
    'logical_type_date_time',
    '{"type":"string","format":"date-time"}',
    '[null, long:timestamp-micros, string]',
  ],
  ['logical_type_date', '{"type":"string","format":"date"}', '[null, int:date, string]'],
  ['logical_type_time', '{"type":"string","format":"time"}', '[null, long:time-micros, string]'],
  ['array_field_without_items', '{"type":"array"}', '[null, array<[null, string]>]'],
  ['array_field_with_empty_items', '{"type":"array","items":{}}', '[null, array<[null, string]>]'],
  ['field_without_type', '{}', '[null, string]'],
]

/** Whole streams under v1: name, namespace, whether built-in fields are there, properties, record, schema, result. */
export const STREAM_CASES: readonly {
  readonly name: string
  readonly namespace: string
  readonly builtins: boolean
  readonly properties: string
  readonly record: string
  readonly schema: string
  readonly result: string
}[] = [
  {
    name: 'simple_schema',
    namespace: 'namespace1',
    builtins: false,
    properties: '{"node_id":{"type":["null","string"]}}',
    record: '{"node_id":"abc123"}',
    schema: "record simple_schema@ns='namespace1'{node_id: [null, string]; AAP}",
    result: '{"node_id":"abc123","_airbyte_additional_properties":null}',
  },
  {
    name: 'nested_record',
    namespace: 'namespace2',
    builtins: false,
    properties:
      '{"node_id":{"type":["null","string"]},"user":{"type":["null","object"],"properties":{"first_name":{"type":"string"},"last_name":{"type":"string"}}}}',
    record: '{"node_id":"abc123","user":{"first_name":"charles","last_name":"darwin"}}',
    schema:
      "record nested_record@ns='namespace2'{node_id: [null, string]; user: [null, record user@ns=''{first_name: [null, string]; last_name: [null, string]; AAP}]; AAP}",
    result:
      '{"node_id":"abc123","user":{"first_name":"charles","last_name":"darwin","_airbyte_additional_properties":null},"_airbyte_additional_properties":null}',
  },
  {
    name: 'record_with_airbyte_fields',
    namespace: 'namespace3',
    builtins: true,
    properties: '{"node_id":{"type":["null","string"]}}',
    record:
      '{"_airbyte_ab_id":"752fcd83-7e46-41da-b7ff-f05cb070c893","_airbyte_emitted_at":1634982000,"node_id":"abc123"}',
    schema:
      "record record_with_airbyte_fields@ns='namespace3'{_airbyte_ab_id: string:uuid (no default); _airbyte_emitted_at: long:timestamp-millis (no default); node_id: [null, string]; AAP}",
    result:
      '{"_airbyte_ab_id":"752fcd83-7e46-41da-b7ff-f05cb070c893","_airbyte_emitted_at":1634982000,"node_id":"abc123","_airbyte_additional_properties":null}',
  },
  {
    name: 'name_with:spécial:characters',
    namespace: 'namespace4',
    builtins: false,
    properties: '{"node:id":{"type":["null","string"]}}',
    record: '{"node:id":"abc123"}',
    schema:
      "record name_with_special_characters@ns='namespace4'{node_id: [null, string] /*doc _airbyte_original_name:node:id*/; AAP}",
    result: '{"node_id":"abc123","_airbyte_additional_properties":null}',
  },
  {
    name: 'record_with_union_type',
    namespace: 'namespace5',
    builtins: false,
    properties: '{"identifier":{"type":["null","number","string"]}}',
    record: '{"identifier":65536.0}',
    schema:
      "record record_with_union_type@ns='namespace5'{identifier: [null, double, string]; AAP}",
    result: '{"identifier":65536.0,"_airbyte_additional_properties":null}',
  },
  {
    name: 'array_with_same_type',
    namespace: 'namespace6',
    builtins: false,
    properties: '{"identifier":{"type":"array","items":{"type":"string"}}}',
    record: '{"identifier":["151","152"]}',
    schema:
      "record array_with_same_type@ns='namespace6'{identifier: [null, array<[null, string]>]; AAP}",
    result: '{"identifier":["151","152"],"_airbyte_additional_properties":null}',
  },
  {
    name: 'array_with_union_type',
    namespace: 'namespace7',
    builtins: false,
    properties:
      '{"identifiers":{"type":"array","items":[{"type":"string"},{"type":"integer"},{"type":"string"},{"type":"boolean"}]}}',
    record: '{"identifiers":["151",152,true,false]}',
    schema:
      "record array_with_union_type@ns='namespace7'{identifiers: [null, array<[null, string, long, boolean]>]; AAP}",
    result: '{"identifiers":["151",152,true,false],"_airbyte_additional_properties":null}',
  },
  {
    name: 'field_with_combined_restriction',
    namespace: 'namespace8',
    builtins: false,
    properties:
      '{"created_at":{"anyOf":[{"type":"string","format":"date-time"},{"type":["null","string"]},{"type":"integer"}]}}',
    record: '{"created_at":1634982000}',
    schema:
      "record field_with_combined_restriction@ns='namespace8'{created_at: [null, string, long]; AAP}",
    result: '{"created_at":1634982000,"_airbyte_additional_properties":null}',
  },
  {
    name: 'record_with_combined_restriction_field',
    namespace: 'namespace9',
    builtins: false,
    properties:
      '{"user":{"type":"object","properties":{"created_at":{"anyOf":[{"type":"string","format":"date-time"},{"type":"integer"},{"type":["null","string"]}]}}}}',
    record: '{"user":{"created_at":"1634982000"}}',
    schema:
      "record record_with_combined_restriction_field@ns='namespace9'{user: [null, record user@ns=''{created_at: [null, long, string]; AAP}]; AAP}",
    result:
      '{"user":{"created_at":1634982000,"_airbyte_additional_properties":null},"_airbyte_additional_properties":null}',
  },
  {
    name: 'array_with_combined_restriction_field',
    namespace: 'namespace10',
    builtins: false,
    properties:
      '{"identifiers":{"type":"array","items":[{"oneOf":[{"type":"integer"},{"type":"string"}]},{"type":"boolean"}]}}',
    record: '{"identifiers":[151,152,"153","text",true,false]}',
    schema:
      "record array_with_combined_restriction_field@ns='namespace10'{identifiers: [null, array<[null, long, string, boolean]>]; AAP}",
    result: '{"identifiers":[151,152,153,"text",true,false],"_airbyte_additional_properties":null}',
  },
  {
    name: 'field_with_bad_first_char',
    namespace: 'namespace11',
    builtins: false,
    properties: '{"5field_name":{"type":["null","string"]}}',
    record: '{"_5field_name":"theory of relativity"}',
    schema:
      "record field_with_bad_first_char@ns='namespace11'{_5field_name: [null, string] /*doc _airbyte_original_name:5field_name*/; AAP}",
    result: '{"_5field_name":"theory of relativity","_airbyte_additional_properties":null}',
  },
  {
    name: 'record_with_airbyte_additional_properties',
    namespace: 'namespace12',
    builtins: false,
    properties:
      '{"node_id":{"type":["null","string"]},"_airbyte_additional_properties":{"type":"object"}}',
    record:
      '{"node_id":"abc123","_airbyte_additional_properties":{"username":"343-guilty-spark","password":1439,"active":true}}',
    schema:
      "record record_with_airbyte_additional_properties@ns='namespace12'{node_id: [null, string]; AAP}",
    result:
      '{"node_id":"abc123","_airbyte_additional_properties":{"username":"343-guilty-spark","password":"1439","active":"true"}}',
  },
  {
    name: 'record_with_ab_additional_properties',
    namespace: 'namespace13',
    builtins: false,
    properties:
      '{"node_id":{"type":["null","string"]},"_ab_additional_properties":{"type":"object"}}',
    record:
      '{"node_id":"abc123","_ab_additional_properties":{"username":"343-guilty-spark","password":1439,"active":true}}',
    schema:
      "record record_with_ab_additional_properties@ns='namespace13'{node_id: [null, string]; AAP}",
    result:
      '{"node_id":"abc123","_airbyte_additional_properties":{"username":"343-guilty-spark","password":"1439","active":"true"}}',
  },
  {
    name: 'record_without_properties',
    namespace: 'namespace14',
    builtins: false,
    properties: '{}',
    record: '{"username":"343-guilty-spark","password":1439,"active":true}',
    schema: "record record_without_properties@ns='namespace14'{AAP}",
    result:
      '{"_airbyte_additional_properties":{"username":"343-guilty-spark","password":"1439","active":"true"}}',
  },
  {
    name: 'logical_type_date_time_fields',
    namespace: 'namespace15',
    builtins: false,
    properties:
      '{"date_time_field":{"type":"string","format":"date-time"},"date_field":{"type":"string","format":"date"},"time_field":{"type":"string","format":"time"}}',
    record:
      '{"date_time_field":"2021-01-01T01:01:01+01:00","date_field":"2021-01-01","time_field":"12:23:01.541"}',
    schema:
      "record logical_type_date_time_fields@ns='namespace15'{date_time_field: [null, long:timestamp-micros, string]; date_field: [null, int:date, string]; time_field: [null, long:time-micros, string]; AAP}",
    result:
      '{"date_time_field":1609459261000000,"date_field":18628,"time_field":44581541000,"_airbyte_additional_properties":null}',
  },
  {
    name: 'schema_with_same_object_name',
    namespace: 'namespace16',
    builtins: false,
    properties:
      '{"author":{"type":"object","properties":{"id":{"type":["null","integer"]}}},"commit":{"type":["null","object"],"properties":{"message":{"type":["null","string"]},"author":{"type":["null","object"],"properties":{"name":{"type":["null","string"]},"pr":{"type":["null","object"],"properties":{"id":{"type":["null","string"]},"message":{"type":["null","string"]}}}}}}}}',
    record:
      '{"author":{"id":12345},"commit":{"message":"test commit message","author":{"name":"test author","pr":{"id":"random id","message":"test pr description"}}}}',
    schema:
      "record schema_with_same_object_name@ns='namespace16'{author: [null, record author@ns=''{id: [null, long]; AAP}]; commit: [null, record commit@ns=''{message: [null, string]; author: [null, record author@ns='commit'{name: [null, string]; pr: [null, record pr@ns='commit.author'{id: [null, string]; message: [null, string]; AAP}]; AAP}]; AAP}]; AAP}",
    result:
      '{"author":{"id":12345,"_airbyte_additional_properties":null},"commit":{"message":"test commit message","author":{"name":"test author","pr":{"id":"random id","message":"test pr description","_airbyte_additional_properties":null},"_airbyte_additional_properties":null},"_airbyte_additional_properties":null},"_airbyte_additional_properties":null}',
  },
  {
    name: 'array_without_items_in_schema',
    namespace: 'namespace17',
    builtins: false,
    properties: '{"identifier":{"type":"array"}}',
    record: '{"identifier":["151",152,true,{"id":153}]}',
    schema:
      "record array_without_items_in_schema@ns='namespace17'{identifier: [null, array<[null, string]>]; AAP}",
    result:
      '{"identifier":["151","152","true","{\\"id\\":153}"],"_airbyte_additional_properties":null}',
  },
  {
    name: 'array_with_same_object_name',
    namespace: 'namespace18',
    builtins: false,
    properties:
      '{"parent_object":{"type":"object","properties":{"object_array":{"type":"array","items":[{"type":"integer"},{"type":"boolean"},{"type":"object","properties":{"id":{"type":"object","properties":{"id_part_1":{"type":"integer"},"id_part_2":{"type":"string"}}}}},{"type":"object","properties":{"id":{"type":"object","properties":{"id_part_1":{"type":"string"},"id_part_2":{"type":"integer"}}},":message":{"type":"string"}}}]}}}}',
    record:
      '{"parent_object":{"object_array":[1234,true,{"id":{"id_part_1":1000,"id_part_2":"abcde"}},{"id":{"id_part_1":"wxyz","id_part_2":2000},":message":"test message"}]}}',
    schema:
      "record array_with_same_object_name@ns='namespace18'{parent_object: [null, record parent_object@ns=''{object_array: [null, array<[null, long, boolean, record object_array@ns='parent_object'{id: [null, record id@ns='parent_object.object_array'{id_part_1: [null, long, string]; id_part_2: [null, string, long]; AAP}]; _message: [null, string] /*doc _airbyte_original_name::message*/; AAP}]>]; AAP}]; AAP}",
    result:
      '{"parent_object":{"object_array":[1234,true,{"id":{"id_part_1":1000,"id_part_2":"abcde","_airbyte_additional_properties":null},"_message":null,"_airbyte_additional_properties":null},{"id":{"id_part_1":"wxyz","id_part_2":2000,"_airbyte_additional_properties":null},"_message":"test message","_airbyte_additional_properties":null}],"_airbyte_additional_properties":null},"_airbyte_additional_properties":null}',
  },
  {
    name: 'object_inside_array_inside_array',
    namespace: 'namespace19',
    builtins: false,
    properties:
      '{"filters":{"type":["null","array"],"items":{"type":["null","array"],"items":{"type":["null","object"],"properties":{"filterFamily":{"type":["null","string"]}}}}}}',
    record:
      '{"filters":[[{"filterFamily":"type_a"},{"filterFamily":"type_b"}],[{"filterFamily":"type_b"}]]}',
    schema:
      "record object_inside_array_inside_array@ns='namespace19'{filters: [null, array<[null, array<[null, record filters_items_items@ns=''{filterFamily: [null, string]; AAP}]>]>]; AAP}",
    result:
      '{"filters":[[{"filterFamily":"type_a","_airbyte_additional_properties":null},{"filterFamily":"type_b","_airbyte_additional_properties":null}],[{"filterFamily":"type_b","_airbyte_additional_properties":null}]],"_airbyte_additional_properties":null}',
  },
  {
    name: 'array_field_with_empty_items',
    namespace: 'namespace20',
    builtins: false,
    properties: '{"array_field":{"type":"array","items":{}}}',
    record: '{"array_field":[1234,true,"false",0.001]}',
    schema:
      "record array_field_with_empty_items@ns='namespace20'{array_field: [null, array<[null, string]>]; AAP}",
    result: '{"array_field":["1234","true","false","0.001"],"_airbyte_additional_properties":null}',
  },
  {
    name: 'namespace_with_special_characters',
    namespace: 'namespace_with:spécial:characters',
    builtins: false,
    properties: '{"node_id":{"type":["null","string"]}}',
    record: '{"node_id":"abc123"}',
    schema:
      "record namespace_with_special_characters@ns='namespace_with_special_characters'{node_id: [null, string]; AAP}",
    result: '{"node_id":"abc123","_airbyte_additional_properties":null}',
  },
  {
    name: 'nullable_value',
    namespace: 'namespace22',
    builtins: false,
    properties: '{"node_id":{"type":["null","number"]}}',
    record: '{"node_id":null}',
    schema: "record nullable_value@ns='namespace22'{node_id: [null, double]; AAP}",
    result: '{"node_id":null,"_airbyte_additional_properties":null}',
  },
  {
    name: 'any_of_with_same_name',
    namespace: 'namespace23',
    builtins: true,
    properties:
      '{"same_record_name_field":{"type":["null","object"],"properties":{"sub_field_1":{"type":["null","string"]}}},"any_of_field":{"anyOf":[{"type":["null","object"],"properties":{"same_record_name_field":{"type":["null","object"],"properties":{"sub_field_2":{"type":["null","string"]}}}}}]}}',
    record:
      '{"_airbyte_ab_id":"5e8f8f8f-8f8f-8f8f-8f8f-8f8f8f8f8f8f","_airbyte_emitted_at":1234567890,"same_record_name_field":null,"any_of_field":{"same_record_name_field":null,"_airbyte_additional_properties":null},"_airbyte_additional_properties":null}',
    schema:
      "record any_of_with_same_name@ns='namespace23'{_airbyte_ab_id: string:uuid (no default); _airbyte_emitted_at: long:timestamp-millis (no default); same_record_name_field: [null, record same_record_name_field@ns=''{sub_field_1: [null, string]; AAP}]; any_of_field: [null, record any_of_field@ns=''{same_record_name_field: [null, record same_record_name_field@ns='any_of_field'{sub_field_2: [null, string]; AAP}]; AAP}]; AAP}",
    result:
      '{"_airbyte_ab_id":"5e8f8f8f-8f8f-8f8f-8f8f-8f8f8f8f8f8f","_airbyte_emitted_at":1234567890,"same_record_name_field":null,"any_of_field":{"same_record_name_field":null,"_airbyte_additional_properties":null},"_airbyte_additional_properties":null}',
  },
  {
    name: 'all_of_with_same_name',
    namespace: 'namespace24',
    builtins: true,
    properties:
      '{"same_record_name_field":{"type":["null","object"],"properties":{"sub_field_1":{"type":["null","string"]}}},"any_of_field":{"allOf":[{"type":["null","object"],"properties":{"same_record_name_field":{"type":["null","object"],"properties":{"sub_field_2":{"type":["null","string"]}}}}}]}}',
    record:
      '{"_airbyte_ab_id":"5e8f8f8f-8f8f-8f8f-8f8f-8f8f8f8f8f8f","_airbyte_emitted_at":1234567890,"same_record_name_field":null,"any_of_field":{"same_record_name_field":null,"_airbyte_additional_properties":null},"_airbyte_additional_properties":null}',
    schema:
      "record all_of_with_same_name@ns='namespace24'{_airbyte_ab_id: string:uuid (no default); _airbyte_emitted_at: long:timestamp-millis (no default); same_record_name_field: [null, record same_record_name_field@ns=''{sub_field_1: [null, string]; AAP}]; any_of_field: [null, record any_of_field@ns=''{same_record_name_field: [null, record same_record_name_field@ns='any_of_field'{sub_field_2: [null, string]; AAP}]; AAP}]; AAP}",
    result:
      '{"_airbyte_ab_id":"5e8f8f8f-8f8f-8f8f-8f8f-8f8f8f8f8f8f","_airbyte_emitted_at":1234567890,"same_record_name_field":null,"any_of_field":{"same_record_name_field":null,"_airbyte_additional_properties":null},"_airbyte_additional_properties":null}',
  },
  {
    name: 'one_of_with_same_name',
    namespace: 'namespace25',
    builtins: true,
    properties:
      '{"same_record_name_field":{"type":["null","object"],"properties":{"sub_field_1":{"type":["null","string"]}}},"any_of_field":{"anyOf":[{"type":["null","object"],"properties":{"same_record_name_field":{"type":["null","object"],"properties":{"sub_field_2":{"type":["null","string"]}}}}}]}}',
    record:
      '{"_airbyte_ab_id":"5e8f8f8f-8f8f-8f8f-8f8f-8f8f8f8f8f8f","_airbyte_emitted_at":1234567890,"same_record_name_field":null,"any_of_field":{"same_record_name_field":null,"_airbyte_additional_properties":null},"_airbyte_additional_properties":null}',
    schema:
      "record one_of_with_same_name@ns='namespace25'{_airbyte_ab_id: string:uuid (no default); _airbyte_emitted_at: long:timestamp-millis (no default); same_record_name_field: [null, record same_record_name_field@ns=''{sub_field_1: [null, string]; AAP}]; any_of_field: [null, record any_of_field@ns=''{same_record_name_field: [null, record same_record_name_field@ns='any_of_field'{sub_field_2: [null, string]; AAP}]; AAP}]; AAP}",
    result:
      '{"_airbyte_ab_id":"5e8f8f8f-8f8f-8f8f-8f8f-8f8f8f8f8f8f","_airbyte_emitted_at":1234567890,"same_record_name_field":null,"any_of_field":{"same_record_name_field":null,"_airbyte_additional_properties":null},"_airbyte_additional_properties":null}',
  },
]
