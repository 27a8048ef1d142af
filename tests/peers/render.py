"""Renders the devices of data.json into one file of JSON, by the way that is named: `render.py WAY DATA COUNT OUT`."""

import json
import sys


def merged(base, patch):
    result = dict(base)
    for key, value in patch.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def layers(data, device):
    site = device["site"]
    return [data["common"], data["model"], data["region"][data["region_of"][site]], data["site"][site], device["own"]]


def plain(data, devices, out):
    for device in devices:
        values = {}
        for layer in layers(data, device):
            values = merged(values, layer)
        out.append(json.dumps({"device": device["device"], **values}, separators=(",", ":")))


TEMPLATE = """{"device":{{ device.device|tojson }}
{%- set _ = values.clear() -%}
{%- for layer in layers -%}{%- for section, fields in layer.items() -%}{%- for field, value in fields.items() -%}
{%- set _ = values.setdefault(section, {}).update({field: value}) -%}
{%- endfor -%}{%- endfor -%}{%- endfor -%}
{%- for section, fields in values.items() -%}
,{{ section|tojson }}:{ {%- for field, value in fields.items() -%}
{{ "," if not loop.first }}{{ field|tojson }}:{{ value|tojson }}{%- endfor -%} }
{%- endfor -%} }"""


def jinja2(data, devices, out):
    import jinja2

    template = jinja2.Environment().from_string(TEMPLATE)
    for device in devices:
        out.append(template.render(device=device, layers=layers(data, device), values={}))


def jrsonnet(path, count, out):
    import os

    import rjsonnet

    here = os.path.dirname(os.path.abspath(__file__))
    text = rjsonnet.evaluate_file(os.path.join(here, "fleet.jsonnet"), jpathdir=[os.path.dirname(path)], tla_codes={"count": str(count)})
    out.extend(json.dumps(device, separators=(",", ":")) for device in json.loads(text))


def main(way, path, count, target):
    out = []
    if way == "jrsonnet":
        jrsonnet(path, count, out)
    else:
        with open(path) as file:
            data = json.load(file)
        {"plain": plain, "jinja2": jinja2}[way](data, data["devices"][:count], out)
    with open(target, "w") as file:
        file.write("[" + ",\n".join(out) + "]\n")


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
