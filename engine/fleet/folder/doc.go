// Package folder reads the folder of a fleet: fleet.yaml with the pipelines, and the pipeline files,
// mounted or in a Git checkout at a pinned commit. It knows nothing of Temporal.
package folder
