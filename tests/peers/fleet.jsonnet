// The first `count` devices of data.json, each with its layers merged.
local data = import 'data.json';

local render(device) =
  local layers = [
    data.common,
    data.model,
    data.region[data.region_of[device.site]],
    data.site[device.site],
    device.own,
  ];
  { device: device.device } + std.foldl(std.mergePatch, layers, {});

function(count) [render(device) for device in data.devices[:count]]
