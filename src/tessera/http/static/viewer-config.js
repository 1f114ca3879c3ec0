/* Settings of the viewer: this node's own DICOMweb and nothing else. */
'use strict';
(function () {
  const root = window.location.origin + '/dicom-web';
  const OVERLAYS = ['SEG', 'RTSTRUCT'];

  /* Shows segmentations over the images that they belong to, as soon as both are there. The study
     opens at the images of its first segmentation, where that has its centre. */
  let stopped = true;
  const segmentationsAtOnce = {
    id: 'tessera.segmentations-at-once',
    onModeEnter: ({ servicesManager, commandsManager, extensionManager }) => {
      const { displaySetService, segmentationService, viewportGridService } =
        servicesManager.services;
      const done = new Set();
      let isFirst = true;
      stopped = false;

      const shownIn = (uid) => {
        for (const [viewportId, viewport] of viewportGridService.getState().viewports)
          if (viewport.isReady && (viewport.displaySetInstanceUIDs || []).includes(uid))
            return viewportId;
        return null;
      };
      // The slices that nobody looks at yet wait until the segmentation is drawn: both need the
      // one thread that the page has.
      const alone = async (work) => {
        const { exports } = extensionManager.getModuleEntry(
          '@ohif/extension-cornerstone.utilityModule.common'
        );
        const pool = exports.getCornerstoneLibraries().cornerstone.imageLoadPoolManager;
        const most = pool.getMaxSimultaneousRequests('prefetch');
        pool.setMaxSimultaneousRequests('prefetch', 0);
        try {
          await work();
        } finally {
          pool.setMaxSimultaneousRequests('prefetch', most);
          pool.startGrabbing();
        }
      };
      const show = async (set) => {
        const images = set.referencedDisplaySetInstanceUID;
        let viewportId = shownIn(images);
        if (!viewportId && isFirst && displaySetService.getDisplaySetByUID(images)) {
          viewportId = viewportGridService.getActiveViewportId();
          const { viewports } = viewportGridService.getState();
          if (!viewports.get(viewportId)?.isReady) return;
          isFirst = false;
          commandsManager.runCommand('setDisplaySetsForViewports', {
            viewportsToUpdate: [{ viewportId, displaySetInstanceUIDs: [images] }],
          });
          return; // looked at again once the images are there
        }
        if (!viewportId) return;
        const jumps = done.size === 0;
        isFirst = false;
        done.add(set.displaySetInstanceUID);
        if (!set.isLoaded) await alone(() => set.load({ headers: {} }));
        const segmentationId = set.displaySetInstanceUID;
        const type = set.Modality === 'SEG' ? 'Labelmap' : 'Contour';
        await segmentationService.addSegmentationRepresentation(viewportId, {
          segmentationId,
          type,
        });
        if (!jumps) return;
        const { segments = {} } = segmentationService.getSegmentation(segmentationId) || {};
        const numbers = Object.keys(segments).map(Number).filter((n) => n > 0);
        if (numbers.length)
          segmentationService.jumpToSegmentCenter(
            segmentationId, Math.min(...numbers), viewportId, 0.9, false
          );
      };
      const look = async () => {
        if (stopped) return;
        for (const set of displaySetService.getActiveDisplaySets()) {
          const id = set.displaySetInstanceUID;
          if (!OVERLAYS.includes(set.Modality) || done.has(id)) continue;
          try {
            await show(set);
          } catch (err) {
            done.add(id);
            console.warn('a segmentation could not be shown', err);
          }
        }
        window.setTimeout(look, 200);
      };
      look();
    },
    onModeExit: () => {
      stopped = true;
    },
  };

  /* Behind the list of studies the viewer waits in a frame, and opens what is clicked there. */
  const openedFromTheList = {
    id: 'tessera.opened-from-the-list',
    preRegistration: ({ commandsManager }) => {
      if (!window.frameElement) return;
      let next = 0;
      const open = (to) => {
        window.clearTimeout(next);
        try {
          commandsManager.runCommand('navigateHistory', { to, options: { replace: true } });
        } catch {
          next = window.setTimeout(open, 50, to); // its pages are not there yet
        }
      };
      window.tesseraViewer = { open };
      if (window.frameElement.wanted) open(window.frameElement.wanted);
    },
  };

  window.config = {
    name: 'tessera',
    routerBasename: null,
    extensions: [segmentationsAtOnce, openedFromTheList],
    modes: [],
    customizationService: { 'ohif.tours': { $set: [] } },
    showStudyList: false,
    showLoadingIndicator: true,
    showWarningMessageForCrossOrigin: true,
    showCPUFallbackMessage: true,
    showErrorDetails: 'production',
    strictZSpacingForVolumeViewport: true,
    groupEnabledModesFirst: true,
    disableConfirmationPrompts: true,
    maxNumberOfWebWorkers: 4,
    maxNumRequests: { interaction: 100, thumbnail: 5, prefetch: 25 },
    investigationalUseDialog: { option: 'never' },
    defaultDataSourceName: 'node',
    dataSources: [
      {
        namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
        sourceName: 'node',
        configuration: {
          friendlyName: 'This node',
          name: 'node',
          wadoUriRoot: root,
          qidoRoot: root,
          wadoRoot: root,
          qidoSupportsIncludeField: true,
          imageRendering: 'wadors',
          thumbnailRendering: 'thumbnail',
          thumbnailRequestStrategy: 'fetch',
          enableStudyLazyLoad: true,
          supportsFuzzyMatching: false,
          supportsWildcard: true,
          singlepart: 'bulkdata',
          bulkDataURI: { enabled: true },
          omitQuotationForMultipartRequest: true,
        },
      },
    ],
  };
})();
