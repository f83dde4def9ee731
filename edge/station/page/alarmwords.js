// What alarms say, in Chinese and English: what happened, and to what.
import { addWords } from "./words.js";

addWords({
  "alarm.tamper": ["Tampering", "防拆告警"],
  "alarm.tamper_over": ["Tampering over", "防拆恢复"],
  "alarm.power_lost": ["Mains lost, on battery", "外部断电，电池供电"],
  "alarm.power_back": ["Mains back", "外部供电恢复"],
  "source.lid": ["the unit's lid", "设备外壳"],
  "source.wall": ["the unit on its wall", "设备安装位置"],
  "source.wiring": ["the contact's wiring", "门磁线路"],
  "source.supply": ["the supply", "供电"],
  "alarm.opened": ["opened", "被打开"],
  "alarm.unrest": ["does not come to rest", "状态不稳定"],
  "alarm.tilted": ["tilted", "倾斜"],
  "alarm.removed": ["taken off", "被拆离"],
  "alarm.cut": ["cut", "断路"],
  "alarm.short": ["short-circuited", "短路"],
  "alarm.foreign": ["a foreign magnet or a bridge", "外来磁铁或被旁路"],
  "alarm.over": ["fed from elsewhere", "外部电压接入"],
});
