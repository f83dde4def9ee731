// Enclosure: a box over the door, its lid, its wall plate. x across the door, y out of the wall, z up; millimetres.
// openscad -o body.stl -D 'part="body"' enclosure.scad     (part: body, lid, plate; all are drawn where they belong)

part = "body";
board = "zero2w";  // or "full": 3 B+, 4 B, 5
tilt = 65;         // camera's axis below the horizontal: choose by aim.md
hood_left = 33;    // how far the hood lets the lens see, in degrees from its axis, left and right as in its picture:
                   // make it less on the neighbour's side
hood_right = 33;
hood_up = 20.5;
hood_down = 24;

wall = 2.4;
width = 116;       // a full board, its sockets, and the posts beside it
depth = 46;        // without the lid
foot = 10;         // of the flat underside, where cables enter
pi_z = 36;         // lower edge of the Pi, above the camera
height = pi_z + 56 + 10;
lens = 7.5;        // of the lens tip above its board: measure your module
lens_up = 0;       // of the lens' middle above the middle of the four holes: measure your module
hood = 16;
gap = 0.3;         // of printed parts that must slide
$fn = 28;

run = depth - foot;             // of the slope, out of the wall
rise = run / tan(tilt);         // of the slope, up
screws = [for (x = [7, width - 7], z = [rise + 9, height - 7]) [x, z]];
switch_z = height - 40;
button = [width / 2 + 20, pi_z + 40];  // place the carrier's SW1 behind it

module across(from, to) {       // a shape in y and z, drawn along x
    translate([from, 0, 0]) rotate([90, 0, 90]) linear_extrude(to - from) children();
}

module outward(from, to) {      // a shape in x and z, drawn along y
    translate([0, to, 0]) rotate([90, 0, 0]) linear_extrude(to - from) children();
}

module on_slope() {             // x across, y up the slope, z into the box; the origin in the middle of its outer face
    translate([width / 2, depth - run / 2, rise / 2]) rotate([90 - tilt, 0, 0]) children();
}

module outline() {
    polygon([[0, 0], [foot, 0], [depth, rise], [depth, height], [0, height]]);
}

module opening(less) {          // of the front, round the corners that hold the screws
    offset(delta = -less) {
        translate([wall + 1, rise + 17]) square([width - 2 * wall - 2, height - rise - 32]);
        translate([14, rise + 5]) square([width - 28, height - rise - 9]);
    }
}

module frustum(more, far) {     // what the hood lets the lens see, from the slope to `far`; `more` on every side
    reach = far + 1;
    hull() {
        translate([-7 - more, -7 - more, -0.01]) cube([14 + 2 * more, 14 + 2 * more, 0.02]);
        translate([-reach * tan(hood_left) - more, -reach * tan(hood_down) - more, -far - 0.01])
            cube([reach * (tan(hood_left) + tan(hood_right)) + 2 * more,
                  reach * (tan(hood_down) + tan(hood_up)) + 2 * more, 0.02]);
    }
}

module standoffs() {
    size = board == "zero2w" ? [58, 23] : [58, 49];
    left = (width - (board == "zero2w" ? 65 : 85)) / 2 + 3.5;
    for (x = [0, size[0]], z = [0, size[1]])
        translate([left + x, 0, pi_z + 3.5 + z]) rotate([-90, 0, 0]) difference() {
            translate([0, 0, wall - 0.5]) cylinder(d = 6, h = 5.5);
            translate([0, 0, wall + 0.6]) cylinder(d = 2.2, h = 6);
        }
}

module ties() {                 // cables are tied to these, so that a pull never reaches a terminal
    for (x = [16, width - 30]) translate([x, wall - 0.5, 20]) difference() {
        cube([12, 5.5, 5]);
        translate([3, 1.8, -1]) cube([6, 2, 7]);
    }
}

module camera_posts() {
    on_slope() for (x = [-10.5, 10.5], y = [-6.25, 6.25])
        translate([x, y - lens_up, wall - 0.5]) difference() {
            cylinder(d = 4.4, h = lens - 1.5);
            translate([0, 0, 0.6]) cylinder(d = 1.6, h = lens);
        }
}

module body() {
    difference() {
        union() {
            difference() {
                across(0, width) outline();
                across(wall, width - wall) offset(delta = -wall) outline();
            }
            outward(wall - 0.5, depth) for (s = screws) translate(s) square(11, center = true);
            on_slope() frustum(1.8, hood);
        }
        outward(depth - wall - 1, depth + 1) opening(0);
        outward(depth - 14, depth + 1) for (s = screws) translate(s) circle(d = 4);
        on_slope() {
            frustum(0, hood + 2);  // beyond the mouth, or a film stays over it
            translate([-7, -7, -0.5]) cube([14, 14, wall + 1]);
            for (x = [-30, 30]) translate([x, 0, -1]) cylinder(d = 5.2, h = wall + 2);      // lamps
        }
        across(-1, width + 1) for (z = [rise + 24, height - 24], n = [-2 : 2])             // vents, low and high
            translate([14, z + 3.2 * n]) square([16, 1.6]);
        translate([0, 0, -1]) linear_extrude(wall + 2) for (x = [22, width - 24, width - 14])
            translate([x, foot / 2 + 1]) circle(d = 5);                                     // cables
        across(-1, wall + 1) for (a = [0 : 60 : 300]) translate([36 + 4 * cos(a), height / 2 + 4 * sin(a)])
            circle(d = 1.8, $fn = 12);                                                      // buzzer
        outward(-1, wall + 1) {
            for (x = [24, width - 24]) translate([x - 6.5, height - 17]) square([13, 9]);   // plate's hooks
            translate([width / 2, 31]) circle(d = 3.4);                                     // plate's screw
        }
    }
    standoffs();
    ties();
    camera_posts();
    // Pegs of the lid switch (holes 6.5 mm apart), on the side wall.
    for (z = [-3.25, 3.25]) translate([width - wall + 0.5, depth - 13, switch_z + z]) rotate([0, -90, 0])
        cylinder(d = 1.9, h = 6.5, $fn = 16);
}

module lid() {
    difference() {
        union() {
            outward(depth, depth + wall) translate([0, rise]) square([width, height - rise]);
            outward(depth - 4, depth + 0.5) difference() {                                  // lip against a blade
                opening(gap);
                opening(gap + 1.6);
            }
            outward(depth - 6, depth + 0.5) translate([width - wall - 5.5, switch_z - 2]) square([3, 4]);
        }
        outward(depth - 7, depth + wall + 1) {
            for (s = screws) translate(s) circle(d = 3.4);
            translate(button) circle(d = 2.5);
        }
        outward(depth + 1.2, depth + wall + 1) for (s = screws) translate(s) circle(d = 6.2); // screw heads sit deep
    }
}

module plate() {
    thick = 4;
    difference() {
        union() {
            outward(-thick, 0) translate([4, 4]) square([width - 8, height - 8]);
            for (x = [24, width - 24]) translate([x - 6, -0.5, height - 12.3]) {  // the body sinks 4 mm on them
                cube([12, wall + 0.5 + gap, 4]);
                translate([0, wall + 0.5 + gap, 0]) cube([12, 2, 8]);
            }
        }
        outward(-thick - 1, -thick + 3.1) for (x = [20, width - 20], z = [22, height - 32])
            translate([x, z]) circle(d = 20.4);                                             // magnets, for steel frames
        outward(-thick - 1, 1) {
            for (x = [20, width - 20]) translate([x, height / 2]) circle(d = 4.5);          // screws, for masonry
            translate([width / 2, 31]) circle(d = 4);                                       // insert for the body's screw
        }
        outward(-1.6, 1) for (x = [20, width - 20]) translate([x, height / 2]) circle(d = 9);
    }
}

if (part == "body") body();
if (part == "lid") lid();
if (part == "plate") plate();
