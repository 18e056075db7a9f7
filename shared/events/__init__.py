"""From events to calls: uploads through a queue, changes of faces, schedules."""
